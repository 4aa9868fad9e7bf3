"""How a controller enrols: who answers must know the code, and what goes wrong is said in one sentence."""

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from doorward.cli.main import run
from doorward.controller.enrolment import (
    ATTEMPT_FILE,
    CodeRefused,
    EnrolledChannel,
    EnrolmentFailed,
    attempt_at,
    certificates,
    enrol,
    enrolment_code,
    forget_attempt,
    is_this_machine,
    server_address,
)
from doorward.kit.errors import BadRequest
from doorward.link import keys

CODE = keys.new_code()
OTHER_CODE = keys.EnrolmentCode(CODE.lookup, keys.new_code().secret)
Answer = Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, body = answer({"path": self.path, **asked})
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def sealed_for(asked: dict[str, Any], code: keys.EnrolmentCode) -> bytes:
    """A server's answer that has the code."""
    private_key, nonce = keys.new_private_key(), os.urandom(32)
    agreed = keys.agree(code, private_key, bytes.fromhex(asked["public_key"]), bytes.fromhex(asked["nonce"]) + nonce)
    channels = [{"id": 5, "name": "Door", "driver": "osdp", "key": "aa" * 32}]
    text = json.dumps({"controller_id": 7, "account": "Acme", "server_time": 1, "channels": channels})
    return json.dumps(
        {
            "public_key": keys.public_key_of(private_key).hex(),
            "nonce": nonce.hex(),
            "sealed": base64.b64encode(keys.seal_once(agreed.answer_key, text.encode())).decode(),
        }
    ).encode()


def test_both_ends_come_to_share_a_key_and_the_codes_secret_is_not_sent() -> None:
    seen: list[dict[str, Any]] = []

    def answer(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        seen.append(asked)
        return 201, {}, sealed_for(asked, CODE)

    with answering(answer) as url:
        made = enrol(url, CODE, "North gate", None)
    [asked] = seen
    assert asked["path"] == "/api/3/controllers/enrol"
    assert asked["name"] == "North gate"
    assert asked["code"] == CODE.lookup
    assert CODE.secret not in json.dumps(asked)
    public_key, nonce = bytes.fromhex(asked["public_key"]), bytes.fromhex(asked["nonce"])
    assert keys.is_proof(CODE, public_key, nonce, bytes.fromhex(asked["proof"]))
    assert (made.identity.controller_id, made.identity.account, made.identity.server) == (7, "Acme", url)
    assert made.channels == (EnrolledChannel(5, "Door", "osdp", "aa" * 32),)
    assert "aa" not in repr(made.channels[0])
    assert len(bytes.fromhex(made.identity.link_key)) == 32


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda asked: (201, {}, sealed_for(asked, OTHER_CODE)), "does not know the code: it is not trusted"),
        (lambda _: (201, {}, b"{}"), "is no Doorward server"),
        (lambda _: (200, {}, b"<html>"), "is no Doorward server"),
        (lambda _: (403, {}, b"<html>"), "the server refuses with status 403"),
        (
            lambda _: (429, {}, b'{"error": "rate_limited", "error_description": "Too many attempts"}'),
            "the server refuses: Too many attempts",
        ),
        (lambda _: (502, {}, b"<html>"), "the server refuses with status 502"),
        (lambda _: (302, {"Location": "https://elsewhere.example"}, b""), "sends one on to https://elsewhere.example"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(answer: Answer, says: str) -> None:
    with answering(answer) as url, pytest.raises(EnrolmentFailed) as raised:
        enrol(url, CODE, "North gate", None)
    assert says in str(raised.value)
    assert CODE.secret not in str(raised.value)


def test_a_code_that_the_server_does_not_take_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = b'{"error": "forbidden", "error_description": "The code is wrong"}'
    with answering(lambda _: (403, {}, refused)) as url:
        with pytest.raises(CodeRefused, match="the server refuses: The code is wrong"):
            enrol(url, CODE, "North gate", None)
        assert run(["controller", "enrol", "--server", url, "--code", str(CODE), "--data-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "doorward: the server refuses: The code is wrong\n"
    assert not (tmp_path / "controller.json").exists(), "it can be tried again"


def test_a_server_that_is_not_there_is_said_not_to_answer() -> None:
    with answering(lambda _: (500, {}, b"")) as url:
        pass
    with pytest.raises(EnrolmentFailed, match="the server does not answer"):
        enrol(url, CODE, "North gate", None)


@pytest.mark.parametrize(
    "text",
    ["", "doors.example.com", "ftp://x", "http://", "http://x:0", "http://x:99999", "https://x?a=1", "https://u:p@x"],
)
def test_an_address_that_is_none_is_bad_input(text: str) -> None:
    with pytest.raises(BadRequest, match="--server"):
        server_address(text)


def test_an_address_is_taken_as_it_is() -> None:
    assert server_address(" https://doors.example.com:8443/base/ ") == "https://doors.example.com:8443/base"


def test_a_code_is_taken_however_it_is_typed_and_not_repeated_when_it_is_none() -> None:
    assert enrolment_code(str(CODE).lower().replace("-", " ")) == CODE
    with pytest.raises(BadRequest) as raised:
        enrolment_code("SECRET-WORDS")
    assert "SECRET" not in str(raised.value)


def test_a_file_of_certificates_has_to_hold_some(tmp_path: Path) -> None:
    assert certificates(None) is None
    path = tmp_path / "ca.pem"
    for content in (None, b"no certificate", b"\xff"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadRequest, match=str(path)):
            certificates(path)


@pytest.mark.parametrize(
    ("address", "is_here"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("ws://localhost/api/3", True),
        ("https://doors.example.com", False),
        ("https://10.0.0.1", False),
    ],
)
def test_no_proxy_is_asked_for_the_machine_itself(address: str, is_here: bool) -> None:
    assert is_this_machine(address) is is_here


def test_an_enrolment_whose_answer_was_lost_is_asked_for_again_with_the_same_key(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def answer(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        seen.append(asked)
        if len(seen) == 1:
            return 201, {"Content-Length": "100000"}, b"{"
        return 201, {}, sealed_for(asked, CODE)

    with answering(answer) as url:
        with pytest.raises(EnrolmentFailed):
            enrol(url, CODE, "North gate", None, attempt_at(tmp_path, CODE))
        made = enrol(url, CODE, "North gate", None, attempt_at(tmp_path, CODE))
    assert seen[0] == seen[1]
    assert (tmp_path / ATTEMPT_FILE).stat().st_mode & 0o777 == 0o600
    assert made.identity.private_key not in repr(attempt_at(tmp_path, CODE))
    other = keys.new_code()
    assert attempt_at(tmp_path, other).private_key != made.identity.private_key, "with another code it is another one"
    forget_attempt(tmp_path)
    assert list(tmp_path.iterdir()) == []
