"""People from a file, as a test sends it and sees what becomes of it."""

import time
from typing import Any

import httpx

from doorward.credentials.service import list_credentials
from tests.support.world import World

HEAD = "first_name,last_name,email,card_number,pin,groups\n"


def post(api: httpx.Client, file: str | bytes, **query: str) -> httpx.Response:
    content = file.encode() if isinstance(file, str) else file
    return api.post("/api/3/people/import", content=content, params=query, headers={"Content-Type": "text/csv"})


def ended(api: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """How an import that was accepted ends."""
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    assert (begun["state"], begun["finished_at"], begun["errors"]) == ("checking", None, [])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found: dict[str, Any] = api.get(f"/api/3/people/imports/{begun['id']}").json()
        if found["finished_at"] is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"the import does not end: {found}")


def imported(api: httpx.Client, file: str | bytes, **query: str) -> dict[str, Any]:
    found = ended(api, post(api, file, **query))
    assert (found["state"], found["errors"]) == ("done", []), found
    return found


def errors_of(api: httpx.Client, file: str | bytes, **query: str) -> list[tuple[Any, Any, str]]:
    before = everybody(api)
    found = ended(api, post(api, file, **query))
    assert (found["state"], found["created"], found["updated"]) == ("failed", 0, 0)
    assert everybody(api) == before, "nothing is written"
    assert found["errors_total"] >= len(found["errors"]) > 0
    return [(error["row"], error["field"], error["message"]) for error in found["errors"]]


def refused(api: httpx.Client, file: str | bytes, **query: str) -> dict[str, list[str]]:
    answer = post(api, file, **query)
    assert answer.status_code == 422, answer.text
    assert api.get("/api/3/people/imports").json() == []
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors


def everybody(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/api/3/people?skip_pagination=true").json()
    return found


def keys_of(world: World, person_id: int) -> dict[str, str]:
    found = world.database.read_now(lambda tx: list_credentials(tx, world.vault, world.account_id, [person_id]))
    return {credential.slug: credential.value for credential in found}


def refused_by(api: httpx.Client, file: str, **query: str) -> dict[str, list[str]]:
    answer = post(api, file, **query)
    assert answer.status_code == 422, answer.text
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors
