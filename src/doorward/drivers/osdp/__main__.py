"""`python -m doorward.drivers.osdp key FILE CHANNEL` gives the reader of a channel its key.

FILE is the controller's configuration. The reader is in install mode, and the controller is not running
(docs/howto/osdp-readers.md).
"""

import argparse
import sys
import tomllib
from pathlib import Path

from doorward.drivers.osdp.config import OsdpConfigError
from doorward.drivers.osdp.keying import KeyingFailed, give_key, kept_key
from doorward.drivers.osdp.library import LibosdpMissing
from doorward.drivers.osdp.toml import key_path, osdp_config


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 if the reader has its key."""
    parser = argparse.ArgumentParser(prog="python -m doorward.drivers.osdp", description="OSDP readers.")
    commands = parser.add_subparsers(required=True)
    key = commands.add_parser("key", help="give the reader of a channel its key")
    key.add_argument("file", type=Path, help="the controller's configuration")
    key.add_argument("channel", type=int)
    key.add_argument("--address", type=int, help="of a module on the reader's line, instead of the reader")
    chosen = parser.parse_args(arguments)
    try:
        outcome = _key(chosen.file, chosen.channel, chosen.address)
    except (OSError, ValueError, KeyingFailed, LibosdpMissing) as error:
        sys.stderr.write(f"Not keyed: {error}\n")
        return 1
    sys.stdout.write(f"Channel {chosen.channel}: {outcome}\n")
    return 0


def _key(file: Path, channel_id: int, module: int | None) -> str:
    table = tomllib.loads(file.read_text("utf-8"))
    config = osdp_config(table, file.parent)
    found = config.reader(channel_id)
    if found is None:
        raise OsdpConfigError("", f"{file} has no reader for channel {channel_id}")
    bus, reader = found
    address = reader.address if module is None else module
    path = key_path(table, bus, address, file.parent)
    if path is None:
        raise OsdpConfigError("key_file", f"is not set for address {address}: the key must be kept in a file")
    outcome = give_key(bus.line, address, kept_key(path))
    return f"the device at address {address} {'has its key now' if outcome == 'keyed' else outcome} ({path})"


if __name__ == "__main__":
    sys.exit(main())
