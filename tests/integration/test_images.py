"""People's photos over HTTP on both databases: contract, PersonInput; behaviour.md, "People"."""

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import func, select

from doorward.db.query import Query, number
from doorward.images.tables import images
from doorward.kit.clock import FixedClock
from doorward.wire.context import Edge
from tests.support.server import client, serving
from tests.support.web import Web, somebody_elses_web
from tests.support.world import World

STORED = Query(select(func.count()).select_from(images), number)
PNG = BytesIO()
Image.linear_gradient("L").resize((600, 400)).convert("RGB").save(PNG, "PNG")
PHOTO = PNG.getvalue()
INLINE = base64.b64encode(PHOTO).decode()
UNREADABLE = ["is not a PNG, JPEG or WebP image that can be read"]


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with somebody_elses_web() as served:
        served.give("/photo.png", PHOTO)
        yield served


@pytest.fixture
def reaching(world: World, clock: FixedClock) -> Iterator[httpx.Client]:
    """The owner's client of a server whose operator lets it ask this machine."""
    edge = Edge(outbound_allow=("127.0.0.0/8",))
    with (
        serving(world.database, clock, world.vault, edge=edge) as (base_url, _),
        client(base_url, world.token) as opened,
    ):
        yield opened


def put(api: httpx.Client, world: World, **body: object) -> httpx.Response:
    return api.put(f"/api/3/people/{world.person_id}", json=body)


def errors(answer: httpx.Response) -> Any:
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"]


def picture(url: str) -> Image.Image:
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 200
    return Image.open(BytesIO(answer.content))


def stored(world: World) -> int | None:
    return world.database.read_now(lambda tx: tx.one(STORED))


def test_a_photo_in_the_body_is_shown_in_two_sizes_to_whoever_has_its_address(api: httpx.Client) -> None:
    body = {"first_name": "Grace", "last_name": "Hopper", "image_base64": INLINE}
    made = api.post("/api/3/people", json=body)
    assert made.status_code == 201
    person = made.json()
    assert person["image_url"].startswith(f"{api.base_url}/images/")
    assert api.get(f"/api/3/people/{person['id']}").json() == person
    assert picture(person["image_url"]).size == (600, 400)
    assert picture(person["image_thumbnail_url"]).size == (256, 171)
    answer = httpx.get(person["image_url"], trust_env=False)
    expected = {
        "content-type": "image/jpeg",
        "x-content-type-options": "nosniff",
        "content-disposition": "inline",
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, max-age=31536000, immutable",
    }
    assert {name: answer.headers[name] for name in expected} == expected
    for strange in ("x", person["image_url"][-8:], "x" * 500, "%00", "é", "..%2f..%2fetc%2fpasswd"):
        assert httpx.get(f"{api.base_url}/images/{strange}", trust_env=False).status_code == 404


@pytest.mark.parametrize(
    "written",
    [
        f"data:image/png;base64,{INLINE}",
        "\r\n".join(INLINE[at : at + 76] for at in range(0, len(INLINE), 76)),
        INLINE.rstrip("="),
    ],
    ids=["as a data URL", "in lines", "without padding"],
)
def test_base64_is_taken_as_clients_write_it(api: httpx.Client, world: World, written: str) -> None:
    assert put(api, world, image_base64=written).status_code == 201


def test_another_photo_has_another_address_and_the_old_one_is_gone(api: httpx.Client, world: World) -> None:
    first = put(api, world, image_base64=INLINE).json()
    unchanged = put(api, world, department="Navy", image_base64=None, image_remote_url=None).json()
    assert unchanged["image_url"] == first["image_url"]
    assert put(api, world, image_base64="").json()["image_url"] == first["image_url"]
    second = put(api, world, image_base64=INLINE, image_remote_url="").json()
    assert second["image_url"] != first["image_url"]
    assert httpx.get(first["image_url"], trust_env=False).status_code == 404
    assert httpx.get(first["image_thumbnail_url"], trust_env=False).status_code == 404
    assert stored(world) == 2
    gone = put(api, world, image_remote_url="").json()
    assert (gone["image_url"], gone["image_thumbnail_url"]) == (None, None)
    assert httpx.get(second["image_url"], trust_env=False).status_code == 404
    put(api, world, image_base64=INLINE)
    api.delete(f"/api/3/people/{world.person_id}")
    assert stored(world) == 0


def test_a_broken_photo_is_refused_with_the_rest_and_changes_nothing(api: httpx.Client, world: World) -> None:
    before = put(api, world, image_base64=INLINE).json()
    broken = base64.b64encode(PHOTO[:-300]).decode()
    assert errors(put(api, world, image_base64=broken, email="nobody")).keys() == {"image_base64", "email"}
    assert errors(put(api, world, image_base64=broken)) == {"image_base64": UNREADABLE}
    assert errors(put(api, world, image_base64="***")) == {"image_base64": ["is not base64"]}
    assert errors(put(api, world, image_base64="AA==AA==")) == {"image_base64": ["is not base64"]}
    assert errors(put(api, world, image_base64=[1])) == {"image_base64": ["must be text"]}
    assert errors(put(api, world, image_remote_url=5)) == {"image_remote_url": ["must be text"]}
    assert errors(put(api, world, image_base64=INLINE, image_remote_url="http://example.com/")) == {
        "image_remote_url": ["can't be given together with image_base64"]
    }
    assert api.get(f"/api/3/people/{world.person_id}").json() == before


def test_a_photo_may_have_five_megabytes_and_other_bodies_one(api: httpx.Client, world: World) -> None:
    largest = base64.b64encode(PHOTO.ljust(5 * 1024**2, b"\0")).decode()
    assert put(api, world, image_base64=largest).status_code == 201
    larger = base64.b64encode(PHOTO.ljust(5 * 1024**2 + 1, b"\0")).decode()
    assert errors(put(api, world, image_base64=larger)) == {"image_base64": ["is too large (at most 5 MB)"]}
    assert put(api, world, notes="x" * 9 * 1024**2).status_code == 413
    assert api.post("/api/3/credential_types", json={"label": "x" * 2 * 1024**2}).status_code == 413


def test_a_photo_is_fetched_from_where_the_body_says(reaching: httpx.Client, world: World, web: Web) -> None:
    web.asked.clear()
    made = put(reaching, world, image_remote_url=web.url("/photo.png"))
    assert made.status_code == 201
    assert picture(made.json()["image_url"]).size == (600, 400)
    assert "authorization" not in web.asked[0][2]


def test_what_is_found_there_is_judged_like_a_body(reaching: httpx.Client, world: World, web: Web) -> None:
    web.give("/page", b"<html>")
    web.give("/large", b"\0" * (5 * 1024**2 + 1))
    web.give("/away", b"", 302, Location=web.url("/photo.png"))
    for path, message in (
        ("/page", UNREADABLE[0]),
        ("/large", "is too large (at most 5 MB)"),
        ("/nothing", "was answered with the status 404"),
        ("/away", "was answered with the status 302"),
    ):
        assert errors(put(reaching, world, image_remote_url=web.url(path))) == {"image_remote_url": [message]}
    assert errors(put(reaching, world, image_remote_url="http://169.254.169.254/latest/")) == {
        "image_remote_url": ["leads to an address that is not public"]
    }


def test_this_machine_is_not_asked_for_a_photo(api: httpx.Client, world: World, web: Web) -> None:
    web.asked.clear()
    for url in (web.url("/photo.png"), web.url("/photo.png", "localhost"), web.url("/photo.png", "[::ffff:7f00:1]")):
        assert errors(put(api, world, image_remote_url=url)) == {
            "image_remote_url": ["leads to an address that is not public"]
        }
    for url in ("file:///etc/passwd", "/etc/passwd", "http://a:b@example.com/"):
        assert errors(put(api, world, image_remote_url=url)).keys() == {"image_remote_url"}
    assert web.asked == []


def test_addresses_of_photos_begin_as_the_operator_says(world: World, clock: FixedClock) -> None:
    edge = Edge(public_url="https://doors.example.com")
    with serving(world.database, clock, world.vault, edge=edge) as (base_url, _), client(base_url, world.token) as api:
        assert put(api, world, image_base64=INLINE).json()["image_url"].startswith("https://doors.example.com/images/")
