"""`doorward events tail`: follow the events of a running server, here or elsewhere."""

import json as json_text
import sys
import time
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import httpx
import typer

from doorward.cli.session import JsonOption
from doorward.kit.errors import BadRequest

_STREAM: Final = "/api/3/events/stream"
_AFTER: Final = ": after "
_COME_BACK_S: Final = 2.0
_SILENCE_S: Final = 45.0
"""A stream that says nothing for so long, not even that it lives, is dead."""
_HERE: Final = ("127.0.0.1", "localhost", "::1")


def tail(
    token: Annotated[str, typer.Option("--token", envvar="DOORWARD_TOKEN", help="An access token.")],
    url: Annotated[str, typer.Option("--url", help="Where the server is.")] = "http://127.0.0.1:8080",
    code: Annotated[list[int] | None, typer.Option("--code", help="Only this event code; may be given often.")] = None,
    channel: Annotated[
        list[int] | None, typer.Option("--channel", help="Only this channel; may be given often.")
    ] = None,
    after: Annotated[int | None, typer.Option("--after", min=0, help="Begin after this id; 0: from the first.")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="End after so many events.")] = None,
    json: JsonOption = False,
) -> None:
    """Print events as they are recorded, until interrupted.

    When the connection breaks, it comes back to where it was: nothing is left out, nothing printed twice.
    """
    query = {"event_codes": code, "channels": channel}
    params = {name: ",".join(map(str, asked)) for name, asked in query.items() if asked}
    for position, event in islice(followed(url, token, params, after), count):
        if json:
            typer.echo(json_text.dumps({"position": position, **event}, ensure_ascii=False))
        else:
            typer.echo(f"{position:>9}  {event['created_at']}  {event['channel_name'] or '-'}: {event['event_label']}")
        sys.stdout.flush()


def followed(url: str, token: str, params: dict[str, str], after: int | None) -> Generator[tuple[int, dict[str, Any]]]:
    """Events with their positions, for ever. Raises OSError if the server cannot be reached at first, BadRequest."""
    reached = False
    # What goes to this machine goes through no proxy.
    trust = _host_of(url) not in _HERE
    if not (token.isascii() and token.isprintable()):
        raise BadRequest("--token: is no access token")
    with httpx.Client(base_url=url, timeout=_SILENCE_S, trust_env=trust) as client:
        while True:
            headers = {"Authorization": f"Bearer {token}"}
            if after is not None:
                headers["Last-Event-ID"] = str(after)
            try:
                with client.stream("GET", _STREAM, params=params, headers=headers) as answer:
                    _check(answer)
                    reached = True
                    for position, event in _messages(answer.iter_lines()):
                        after = position
                        if event is not None:
                            yield position, event
            except httpx.TransportError as error:
                if not reached:
                    raise OSError(f"the server at {url} cannot be reached: {error}") from None
            time.sleep(_COME_BACK_S)


def _host_of(url: str) -> str:
    """The host of an http URL. Raises BadRequest."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and httpx.URL(url).host:
            return parts.hostname
    except (ValueError, httpx.InvalidURL):
        pass
    raise BadRequest("--url: must be an address such as https://doors.example.com")


def _check(answer: httpx.Response) -> None:
    """Raises BadRequest for what will not be better next time."""
    if answer.status_code < 300:
        return
    answer.read()
    if answer.status_code in (429, 500, 502, 503, 504):
        raise httpx.ReadError(f"answered with {answer.status_code}")
    try:
        said = answer.json()["error_description"]
    except (ValueError, KeyError, TypeError):
        said = f"the answer is {answer.status_code}"
    raise BadRequest(f"{answer.url.copy_with(query=None)}: {said}")


def _messages(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The events of a stream (HTML Living Standard, 9.2.6); None where it only says how far it has come.

    Raises BadRequest when it says why it ends.
    """
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(_AFTER):
            yield int(line.removeprefix(_AFTER)), None
            continue
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if fields.get("event") == "end":
            raise BadRequest(json_text.loads(fields["data"])["error_description"])
        if "data" in fields and "id" in fields:
            yield int(fields["id"]), json_text.loads(fields["data"])
        fields = {}
