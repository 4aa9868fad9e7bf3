"""Whom a controller believes: keys, frames and certificates of the link."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from doorward.decision.codes import EventCode
from doorward.link import keys
from doorward.link.frames import CONTROL
from doorward.link.messages import NewKey, Recorded
from tests.support.controllers import access, running, until
from tests.support.link_server import channel, link_server, member

pytestmark = pytest.mark.anyio

KEY, OTHER_KEY = bytes([7]) * 32, bytes([8]) * 32


async def test_a_key_is_changed_and_survives_what_may_go_wrong_in_between(tmp_path: Path) -> None:
    async with link_server() as server:
        told = server.add(channel(5), member(1), key=KEY)
        identity = server.identity()
        async with running(tmp_path, identity):
            await until(lambda: server.has_applied(5))
            assert server.keys_in_use == [(5, keys.fingerprint(KEY))]
            told.key = OTHER_KEY
            await server.send(5, NewKey(OTHER_KEY))
            await until(lambda: len(server.keys_in_use) == 2)
            await server.change(5, member(2))
            await until(lambda: server.has_applied(5))
        # The server did not hear that the new key is in use: the controller still has both.
        told.key = KEY
        async with running(tmp_path, identity) as here:
            count = len(server.applied)
            await until(lambda: len(server.applied) > count)
            assert server.hellos[-1].channels[0].keys == (keys.fingerprint(OTHER_KEY), keys.fingerprint(KEY))
            assert here.controller.channels[5].replica.about.keys == (KEY,)
            assert here.present(5, "1002").admitted


@pytest.mark.en60839("6.7")
@pytest.mark.parametrize(
    ("what", "reason"),
    [("altered", "altered"), ("truncated", "truncated"), ("replayed", "replayed"), ("out of order", "out of order")],
)
@pytest.mark.en60839("6.7", "6.8/18")
async def test_a_frame_that_is_not_the_servers_next_ends_the_session_and_is_recorded(
    tmp_path: Path, what: str, reason: str
) -> None:
    async with link_server() as server:
        told = server.add(channel(5), member(1))
        async with running(tmp_path, server.identity()) as here:
            await until(lambda: server.has_applied(5))
            seen: list[bytes] = []

            def wire(frame: bytes) -> bytes | None:
                seen.append(frame)
                match what:
                    case "altered":
                        return frame[:-1] + bytes([frame[-1] ^ 1])
                    case "truncated":
                        return frame[:20]
                    case "out of order" if len(seen) == 1:
                        return None
                return frame

            server.wire = wire
            before = told.content.digest()
            await server.send(5, *told.update(before))
            if what == "replayed":
                await server.send_raw(seen[0])
            elif what == "out of order":
                await server.send(5, *told.update(before))
            server.wire = lambda frame: frame
            await until(lambda: EventCode.SNAPSHOT_REFUSED in server.codes(5))
            [refused] = [told for _, told in server.events if told.code == EventCode.SNAPSHOT_REFUSED]
            assert refused.reasons == (("frame_refused", f"A frame of the link was refused: {reason}."),)
            assert len(server.hellos) == 2
            assert here.present(5, "1001").admitted


@pytest.mark.en60839("6.7")
async def test_whoever_does_not_have_the_links_key_is_not_believed_and_is_recorded_once(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        identity = server.identity()
        async with running(tmp_path, identity) as here:
            await until(lambda: server.has_applied(5))
            own, server.link_key = server.link_key, bytes(32)
            assert server._connection is not None
            server._connection.transport.abort()
            await until(lambda: not here.link.is_up)
            await asyncio.sleep(0.4)
            assert not here.link.is_up
            assert here.present(5, "1001").admitted
            server.link_key = own
            await until(lambda: len(access(server)) == 1)
    assert server.codes(5).count(EventCode.SNAPSHOT_REFUSED) <= 1


async def test_what_can_be_read_but_means_nothing_there_is_refused(tmp_path: Path) -> None:
    async with link_server() as server:
        server.add(channel(5), member(1))
        async with running(tmp_path, server.identity()):
            await until(lambda: server.has_applied(5))
            await server.send(5, Recorded(1))
            await until(lambda: len(server.hellos) == 2 and server.is_up)
            await server.send(CONTROL, Recorded(10_000))
            await until(lambda: len(server.hellos) == 3 and server.is_up)
            await server.send_raw("text")
            await until(lambda: server.codes(5).count(EventCode.SNAPSHOT_REFUSED) == 3)


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_servers_certificate_is_checked(tmp_path: Path, is_known: bool) -> None:
    own, other = certificate(tmp_path / "own"), certificate(tmp_path / "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own / "cert.pem", own / "key.pem")
    async with link_server(tls=context) as server:
        server.add(channel(5), member(1))
        pem = ((own if is_known else other) / "cert.pem").read_text()
        identity = msgspec.structs.replace(
            server.identity(), server=f"https://127.0.0.1:{server.port}", certificates=pem
        )
        async with running(tmp_path / "home", identity) as here:
            if is_known:
                await until(lambda: server.has_applied(5))
            else:
                await until(lambda: "certificate verify failed" in (here.link.problem or ""))
                assert not server.hellos


def certificate(directory: Path) -> Path:
    """A certificate of a server on this machine, by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    directory.mkdir()
    (directory / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return directory
