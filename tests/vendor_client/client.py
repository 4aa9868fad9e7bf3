"""The vendor's own JavaScript client, called from Python: the peer that conformance tests talk through."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

DRIVER = Path(__file__).with_name("call.cjs")


class VendorClientError(RuntimeError):
    """The client could not be run at all: Node or the package is missing, or there is no such method."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the client, in its own words: `Call("ReservationsApi", "deleteReservation", {"id": 1})`.

    Names in `args` are camelCase, as the client has them; an aware `datetime` anywhere in it becomes a Date.
    """

    api: str
    method: str
    args: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The HTTP request that the client made."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client made of the server's answer, and the answer itself.

    `value` is what the client returned, with dates as ISO strings (one it could not read as "Invalid Date")
    and without the fields it left undefined. `body` is the answer's JSON, None if it is none. If `ok` is
    false, the client threw `error_name` ("ResponseError" for a status other than 2xx). Header names are in
    lower case. `status` and `raw_body` are None if no answer came, and `request` if the client sent nothing.
    """

    ok: bool
    status: int | None
    headers: Mapping[str, str]
    raw_body: str | None
    body: Any
    request: Request | None
    value: Any = None
    error_name: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class VendorClient:
    """The client, set up for the server at `base_url` (without `/api/3`); without a token it sends none.

    Calls block: a server in the same event loop could not answer them.
    """

    base_url: str
    token: str | None = None
    timeout: float = 60.0

    def call(self, api: str, method: str, args: Mapping[str, Any] | None = None) -> Answer:
        """Make one call in a Node process of its own; raise `VendorClientError` if it cannot be run."""
        [answer] = self.batch([Call(api, method, args)])
        return answer

    def batch(self, calls: Sequence[Call]) -> list[Answer]:
        """Make the calls one after the other in one Node process, and return their answers in order."""
        node = shutil.which("node")
        if node is None:
            raise VendorClientError("Node.js was not found: install version 18 or newer.")
        order = {"base_url": self.base_url, "token": self.token, "calls": [_as_json(call) for call in calls]}
        finished = subprocess.run(
            [node, str(DRIVER)],
            input=json.dumps(order, default=_date),
            capture_output=True,
            encoding="utf-8",
            timeout=self.timeout,
            check=False,
        )
        if finished.returncode:
            raise VendorClientError(finished.stderr.strip())
        return [_answer(report) for report in json.loads(finished.stdout)["answers"]]


def methods() -> list[tuple[str, str]]:
    """Every method of the client's API classes: class and name."""
    script = """
        const doorflow = require('doorflow');
        const found = [];
        for (const [name, api] of Object.entries(doorflow)) {
          if (!name.endsWith('Api')) continue;
          for (const method of Object.getOwnPropertyNames(api.prototype)) {
            if (api.prototype[`${method}Raw`]) found.push([name, method]);
          }
        }
        console.log(JSON.stringify(found));
    """
    node = shutil.which("node")
    if node is None:
        raise VendorClientError("Node.js was not found: install version 18 or newer.")
    finished = subprocess.run(
        [node, "-e", script], cwd=DRIVER.parent, capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    return [(name, method) for name, method in json.loads(finished.stdout)]


def _as_json(call: Call) -> dict[str, Any]:
    return {"api": call.api, "method": call.method, "args": call.args}


def _answer(report: dict[str, Any]) -> Answer:
    request = report.pop("request")
    return Answer(request=request and Request(**request), **report)


def _date(value: object) -> dict[str, str]:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return {"$date": value.isoformat()}
    raise TypeError(f"{value!r} is neither JSON nor an aware datetime")
