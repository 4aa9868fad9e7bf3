"""Settings: from options, else from the environment (DOORWARD_…), else the defaults. Only entry points read this."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from doorward.kit.mail_servers import InvalidMailServer, MailServer, mail_server

DEFAULT_DATA_DIR: Final = ".data/demo"
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8080
DEFAULT_RATE_LIMIT: Final = 600
_MOST_WAITS: Final = 100
_SECONDS: Final = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?")


class InvalidSetting(ValueError):
    """A setting has a value that it cannot have; the message names the setting."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the data is and where to listen."""

    data_dir: Path
    database: str
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    secret_key: str | None = None
    """base64 of 32 bytes; else kept in the data directory."""
    rate_limit: int = DEFAULT_RATE_LIMIT
    """Requests a minute that each token may make; 0: any number."""
    public_url: str | None = None
    """Under which address clients reach the server, where that is not the one they asked for."""
    outbound_allow: tuple[str, ...] = ()
    """Networks that are not public, which photos and webhooks may nevertheless be fetched from and sent to."""
    access_log: bool = True
    """Whether each request is a line on standard error."""
    metrics_token: str | None = None
    """What a scraper of /metrics has to send as bearer token; None: only this machine may scrape."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies that are believed when they say for whom they ask."""
    retry_waits_ms: tuple[int, ...] | None = None
    """The waits before what did not arrive is sent again; None: the usual ones."""
    mail_server: MailServer | None = None
    """To whom messages are handed; None: there is no e-mail."""

    @property
    def secret_key_file(self) -> Path:
        """Where the installation's key is kept if it is not configured."""
        return self.data_dir / "secret.key"

    @property
    def control_socket(self) -> Path:
        """Where a running server listens for commands of its own machine."""
        return self.data_dir / "control.sock"


def load(
    *,
    data_dir: str | None = None,
    database: str | None = None,
    host: str | None = None,
    port: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings that hold. Raises InvalidSetting."""
    directory = Path(data_dir or environment.get("DOORWARD_DATA_DIR") or DEFAULT_DATA_DIR)
    url = database or environment.get("DOORWARD_DATABASE") or f"sqlite:///{directory / 'doorward.db'}"
    return Settings(
        directory,
        url,
        host or environment.get("DOORWARD_HOST") or DEFAULT_HOST,
        port if port is not None else _whole("DOORWARD_PORT", environment.get("DOORWARD_PORT"), DEFAULT_PORT, 65_535),
        environment.get("DOORWARD_SECRET_KEY") or None,
        _whole("DOORWARD_RATE_LIMIT", environment.get("DOORWARD_RATE_LIMIT"), DEFAULT_RATE_LIMIT, 10_000_000),
        _address(environment.get("DOORWARD_PUBLIC_URL")),
        _networks("DOORWARD_OUTBOUND_ALLOW", environment),
        _flag("DOORWARD_ACCESS_LOG", environment.get("DOORWARD_ACCESS_LOG"), True),
        environment.get("DOORWARD_METRICS_TOKEN") or None,
        _networks("DOORWARD_TRUSTED_PROXIES", environment),
        _waits(environment.get("DOORWARD_DELIVERY_RETRIES")),
        _mail_server(environment.get("DOORWARD_SMTP_URL")),
    )


def _whole(name: str, text: str | None, default: int, largest: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > largest:
        raise InvalidSetting(f"{name} must be a number from 0 to {largest}")
    return int(text)


def _flag(name: str, text: str | None, default: bool) -> bool:
    if not text:
        return default
    if text.lower() not in ("true", "false", "1", "0"):
        raise InvalidSetting(f"{name} must be true or false")
    return text.lower() in ("true", "1")


def _address(text: str | None) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidSetting("DOORWARD_PUBLIC_URL must be an address such as https://doors.example.com")
    return text.rstrip("/")


def _waits(text: str | None) -> tuple[int, ...] | None:
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST_WAITS or not all(_SECONDS.fullmatch(part) for part in parts):
        raise InvalidSetting("DOORWARD_DELIVERY_RETRIES must be seconds with commas, such as 5,30,120")
    return tuple(int(float(part) * 1000) for part in parts)


def _mail_server(text: str | None) -> MailServer | None:
    try:
        return mail_server(text) if text else None
    except InvalidMailServer as error:
        raise InvalidSetting(f"DOORWARD_SMTP_URL {error}") from None


def _networks(name: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())
    for network in found:
        try:
            ip_network(network)
        except ValueError as error:
            raise InvalidSetting(f"{name} must be networks such as 10.1.0.0/16: {error}") from None
    return found
