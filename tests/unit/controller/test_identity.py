"""Who a controller is: kept for its owner only, and not printed."""

import os
from pathlib import Path

import pytest

from doorward.controller.identity import (
    FILE,
    Identity,
    NotEnrolled,
    OwnChannel,
    is_enrolled,
    load,
    load_channels,
    save,
    save_channels,
)

OWN = Identity(7, "Acme", "https://doors.example.com/base", "ab" * 32, "cd" * 32)


def test_it_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    assert not is_enrolled(directory)
    save(directory, OWN)
    assert load(directory) == OWN
    assert is_enrolled(directory)
    assert (directory / FILE).stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o077 == 0
    assert [path.name for path in directory.iterdir()] == [FILE]


def test_printing_it_shows_no_secret() -> None:
    assert "ab" * 4 not in repr(OWN)
    assert "cd" * 4 not in repr(OWN)


def test_the_link_goes_where_the_server_is_by_the_same_security() -> None:
    assert OWN.link_address == "wss://doors.example.com/base/api/3/controllers/link"
    plain = Identity(7, "Acme", "http://127.0.0.1:8080", "ab" * 32, "cd" * 32)
    assert plain.link_address == "ws://127.0.0.1:8080/api/3/controllers/link"


def test_a_directory_without_one_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotEnrolled, match="doorward controller enrol"):
        load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"no json", b"{}", OWN.private_key.encode(), b'{"controller_id": 1, "account": "", "server": ""}'],
)
def test_one_that_cannot_be_read_is_said_to_be_so_without_repeating_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(NotEnrolled) as raised:
        load(tmp_path)
    assert "abab" not in str(raised.value)


def test_one_that_others_may_read_is_refused(tmp_path: Path) -> None:
    save(tmp_path, OWN)
    (tmp_path / FILE).chmod(0o640)
    with pytest.raises(NotEnrolled, match="chmod 600"):
        load(tmp_path)


def test_it_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, OWN)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, Identity(8, "Other", "https://x", "00" * 32, "00" * 32))
    monkeypatch.undo()
    assert load(tmp_path) == OWN
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_which_channels_it_has_is_known_without_the_rest(tmp_path: Path) -> None:
    assert load_channels(tmp_path) == []
    channels = [OwnChannel(5, "Door 5", "osdp")]
    save_channels(tmp_path, channels)
    assert load_channels(tmp_path) == channels
