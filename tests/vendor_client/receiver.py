"""A program that receives webhooks with the vendor's own JavaScript client, driven from Python."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

from tests.vendor_client.client import VendorClientError

DRIVER = Path(__file__).with_name("receive.cjs")
_WITHIN_S = 60


class Receiver:
    """See receive.cjs."""

    def __init__(self) -> None:
        node = shutil.which("node")
        if node is None:
            raise VendorClientError("Node.js was not found: install version 18 or newer.")
        self._process = subprocess.Popen(
            [node, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.received: Queue[dict[str, Any]] = Queue()
        """What came of each POST."""
        self._answers: Queue[dict[str, Any]] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = f"http://127.0.0.1:{self._answers.get(timeout=_WITHIN_S)['port']}/hook"

    def listen(self, secret: str, base_url: str, token: str | None) -> None:
        """From now on verify with this secret, and fetch with this token."""
        self._ask({"secret": secret, "base_url": base_url, "token": token})

    def verify(self, body: str, signature: str, timestamp: str, secret: str) -> dict[str, Any]:
        """Verify a message by hand; gives {verified, error}."""
        asked = {"body": body, "signature": signature, "timestamp": timestamp, "secret": secret}
        return self._ask({"verify": asked})

    def next(self) -> dict[str, Any]:
        """The next POST."""
        return self.received.get(timeout=_WITHIN_S)

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(20)
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        if self._process.stdin is None:
            raise VendorClientError("it is closed")
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answers.get(timeout=_WITHIN_S)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            message = json.loads(line)
            (self.received if "events" in message else self._answers).put(message)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port, until the block ends."""
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()
