"""People's photos in the database: one person has one, in two sizes, or none."""

import secrets
from collections import defaultdict
from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import LargeBinary, bindparam, delete, insert, select

from doorward.audit import service as audit
from doorward.db.query import Query, one_of
from doorward.db.unit_of_work import Transaction
from doorward.images.pictures import ENDINGS, Picture, Rendition
from doorward.images.tables import images

FULL: Final = "full"
THUMBNAIL: Final = "thumbnail"


class Names(NamedTuple):
    """What the addresses of a person's photo end with."""

    full: str
    thumbnail: str


class Content(NamedTuple):
    """A stored image."""

    media_type: str
    content: bytes


class _Named(NamedTuple):
    person_id: int
    size: str
    name: str


_NAMES: Final = Query(
    select(images.c.person_id, images.c.size, images.c.name).where(one_of(images.c.person_id, "ids")), _Named
)
_CONTENT: Final = Query(
    select(images.c.media_type, images.c.content).where(images.c.name == bindparam("the_name")), Content
)
_WRITTEN: Final = ("account_id", "person_id", "size", "name", "media_type", "width", "height", "created_at")
_ADD: Final = Query[None](
    insert(images).values(
        {**{name: bindparam(name) for name in _WRITTEN}, "content": bindparam("content", type_=LargeBinary())}
    )
)
_REMOVE: Final = Query[None](delete(images).where(images.c.person_id == bindparam("the_person")))


def names_of_people(transaction: Transaction, person_ids: Collection[int]) -> dict[int, Names]:
    """The photos of those of the people who have one."""
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for each in transaction.all(_NAMES, ids=str(list(person_ids))):
        found[each.person_id][each.size] = each.name
    return {person_id: Names(names[FULL], names[THUMBNAIL]) for person_id, names in found.items()}


def find_image(transaction: Transaction, name: str) -> Content | None:
    """The image whose address ends with a name."""
    return transaction.one(_CONTENT, the_name=name)


def put_image(transaction: Transaction, account_id: int, person_id: int, picture: Picture, now: int) -> None:
    """Give a person a photo in the place of any other. It gets new addresses, so that caches show it."""
    transaction.run(_REMOVE, the_person=person_id)
    for size, rendition in ((FULL, picture.full), (THUMBNAIL, picture.thumbnail)):
        transaction.run(
            _ADD,
            account_id=account_id,
            person_id=person_id,
            size=size,
            name=_new_name(rendition),
            media_type=rendition.media_type,
            width=rendition.width,
            height=rendition.height,
            content=rendition.content,
            created_at=now,
        )
    audit.record(transaction, account_id, audit.CHANGED, "person", person_id, now, after={"image": "replaced"})


def remove_image(transaction: Transaction, account_id: int, person_id: int, now: int) -> None:
    """Take a person's photo away, if there is one."""
    if transaction.run(_REMOVE, the_person=person_id):
        audit.record(transaction, account_id, audit.CHANGED, "person", person_id, now, after={"image": "removed"})


def _new_name(rendition: Rendition) -> str:
    """256 random bits: whoever knows the address may see the photo, and nobody else."""
    return secrets.token_urlsafe(32) + ENDINGS[rendition.media_type]
