"""Who a controller is: what it was given when it enrolled. Kept in one file that only its owner can read."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from doorward.controller.files import replace_file
from doorward.link import keys

FILE: Final = "controller.json"
CHANNELS_FILE: Final = "channels.json"


class NotEnrolled(OSError):
    """The directory belongs to no controller, or to one whose file cannot be used."""


class Identity(msgspec.Struct, frozen=True):
    """A controller's own keys, and where its server is. Printing it shows no secret."""

    controller_id: int
    account: str
    server: str
    """The server's base address, http or https."""
    private_key: str
    link_key: str
    """Both in hex."""
    certificates: str | None = None
    """Of the authorities by which the server's certificate is checked, PEM; none: those of the system."""

    def __repr__(self) -> str:
        return f"Identity({self.controller_id}, {self.server!r}, …)"

    @property
    def secret(self) -> bytes:
        """What only this controller and nobody else has."""
        return bytes.fromhex(self.private_key)

    @property
    def link_address(self) -> str:
        """Where the link is, ws or wss."""
        scheme, _, rest = self.server.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest.rstrip('/')}/api/3/controllers/link"


class OwnChannel(msgspec.Struct, frozen=True):
    """A channel that is the controller's, with the kind of its hardware. No secret is in it."""

    id: int
    name: str
    driver: str


def save_channels(directory: Path, channels: Iterable[OwnChannel]) -> None:
    """Keep which channels are the controller's, for when their content cannot be read. Raises OSError."""
    replace_file(directory / CHANNELS_FILE, msgspec.json.format(msgspec.json.encode(list(channels))) + b"\n")


def load_channels(directory: Path) -> list[OwnChannel]:
    """Which they were; none if that cannot be read either."""
    try:
        return msgspec.json.decode((directory / CHANNELS_FILE).read_bytes(), type=list[OwnChannel])
    except (OSError, msgspec.MsgspecError):
        return []


def save(directory: Path, identity: Identity) -> None:
    """Keep it. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(directory / FILE, msgspec.json.format(msgspec.json.encode(identity)) + b"\n")


def is_enrolled(directory: Path) -> bool:
    """Whether the directory is a controller's."""
    return (directory / FILE).exists()


def load(directory: Path) -> Identity:
    """Raises NotEnrolled, with a sentence that says what to do."""
    path = directory / FILE
    try:
        content, mode = path.read_bytes(), path.stat().st_mode
    except FileNotFoundError:
        raise NotEnrolled(
            f"no controller is enrolled in {directory}: doorward controller enrol --server URL --code CODE "
            f"--data-dir {directory}"
        ) from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotEnrolled(f"{path} may be read by others than its owner: chmod 600 {path}")
    try:
        read = msgspec.json.decode(content, type=Identity)
        usable = {len(bytes.fromhex(key)) for key in (read.private_key, read.link_key)} == {keys.KEY_BYTES}
    except (msgspec.MsgspecError, ValueError):
        usable = False
    if not usable:
        raise NotEnrolled(f"{path} cannot be read: restore it from a copy, or enrol the controller anew")
    return read
