"""Settings: from options, else from the environment (DOORWARD_…), else the defaults. Only entry points read this."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT_DATA_DIR: Final = ".data/demo"
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8080


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
        port if port is not None else _port(environment.get("DOORWARD_PORT")),
        environment.get("DOORWARD_SECRET_KEY") or None,
    )


def _port(text: str | None) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= 65_535:
        raise InvalidSetting("DOORWARD_PORT must be a number from 0 to 65535")
    return int(text)
