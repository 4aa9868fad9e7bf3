"""A real MQTT broker for tests: Debian's mosquitto, on a free port, with its files in a directory of its own."""

import atexit
import datetime
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

START_ATTEMPTS = 3
START_SECONDS = 10.0
POLL_SECONDS = 0.01


class MosquittoUnavailableError(RuntimeError):
    """mosquitto cannot be started here; the message says why and what to do."""


class Mosquitto:
    """A broker on 127.0.0.1 that lets only `users` in (name → password); also a context manager.

    Nothing is kept over a restart. `stop` and `kill` leave the port to the next `start`. With `tls` there is a second
    port, whose certificate is signed by `ca_file`. `acl` is mosquitto's file of that name.
    """

    def __init__(self, directory: Path, users: dict[str, str], *, tls: bool = False, acl: str = "") -> None:
        self.port = 0
        self.tls_port = 0
        self.ca_file = directory / "ca.pem"
        self._directory = directory
        self._users = users
        self._tls = tls
        self._acl = acl
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Return once the broker accepts connections; a running one is left as it is."""
        if self._process is not None:
            return
        if not (self._directory / "passwords").exists():
            self._prepare()
        attempts = 1 if self.port else START_ATTEMPTS
        for _ in range(attempts):
            # The port is free only at the moment it is chosen: when somebody else is quicker, try another one.
            self.port = self.port or _free_port()
            self.tls_port = self.tls_port or (_free_port() if self._tls else 0)
            if self._start_once():
                return
            if attempts > 1:
                self.port = self.tls_port = 0
        raise MosquittoUnavailableError(f"mosquitto did not start:\n{self._log().read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        """End the broker at once, as a power cut does; one that is not running is left as it is."""
        process, self._process = self._process, None
        atexit.unregister(self.kill)
        if process is not None:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """Let the broker do nothing for a while, though its connections stay."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the broker go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _prepare(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / "acl").write_text(self._acl or "pattern readwrite #\n")
        if self._tls:
            _certify(self._directory)
        for name, password in self._users.items():
            create = [] if (self._directory / "passwords").exists() else ["-c"]
            command = [_program("mosquitto_passwd"), "-b", *create, str(self._directory / "passwords"), name, password]
            subprocess.run(command, check=True, capture_output=True)

    def _start_once(self) -> bool:
        lines = [
            "per_listener_settings false",
            "allow_anonymous false",
            f"password_file {self._directory / 'passwords'}",
            f"acl_file {self._directory / 'acl'}",
            "persistence false",
            "set_tcp_nodelay true",
            f"listener {self.port} 127.0.0.1",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # else it becomes a user who may not read the test's directory
        if self._tls:
            lines += [
                f"listener {self.tls_port} 127.0.0.1",
                f"certfile {self._directory / 'server.pem'}",
                f"keyfile {self._directory / 'server.key'}",
            ]
        settings = self._directory / "mosquitto.conf"
        settings.write_text("\n".join(lines) + "\n")
        setpriv = shutil.which("setpriv")
        dying_with_us = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        with self._log().open("ab") as log:
            self._process = subprocess.Popen(
                [*dying_with_us, _program("mosquitto"), "-c", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        atexit.register(self.kill)
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if all(_answers(port) for port in (self.port, self.tls_port) if port):
                return True
            time.sleep(POLL_SECONDS)
        self.kill()
        return False

    def _log(self) -> Path:
        return self._directory / "mosquitto.log"


def _program(name: str) -> str:
    # Debian keeps the broker where only root's path leads.
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MosquittoUnavailableError(
            f"{name} was not found: run `make setup-test` (Debian: apt-get install mosquitto)"
        )
    return found


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _certify(directory: Path) -> None:
    """Make an authority and a certificate for 127.0.0.1 that it has signed."""
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Test authority", "127.0.0.1")]
    for which, name in enumerate(names):
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(keys[which].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=which == 0, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[which].public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False)
            .sign(keys[0], hashes.SHA256())
        )
        written = certificate.public_bytes(serialization.Encoding.PEM)
        (directory / ("ca.pem", "server.pem")[which]).write_bytes(written)
    key = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "server.key").write_bytes(key)
    ssl.create_default_context(cafile=str(directory / "ca.pem"))
