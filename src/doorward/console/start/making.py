"""What the steps make, by the same services as everything else; errors come back by the names of the steps' fields."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from doorward.channels.service import create_channel
from doorward.console.forms import Sent
from doorward.console.start.progress import first_door, is_role, progress_of, role_of_door
from doorward.credentials.service import create_credential
from doorward.credentials.types import ensure_default_types
from doorward.db.unit_of_work import Transaction
from doorward.decision.codes import CARD
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict, Invalid
from doorward.oauth.principal import Principal
from doorward.people.service import create_person, get_person, update_person
from doorward.roles.service import create_role
from doorward.sites.service import create_site

_LONGEST: Final = 200


@contextmanager
def _called(**names: str) -> Iterator[None]:
    """What is wrong with a field of a service is said of the step's field; `names`: the one to the other."""
    try:
        yield
    except Invalid as error:
        raise Invalid({names.get(name, name): messages for name, messages in error.errors.items()}) from error


def make_door(transaction: Transaction, form: Sent, by: Principal, now: int) -> str:
    """The first door, and its site if there is none to choose; gives its name."""
    account_id = by.account_id
    chosen = form.body(numbers=("site_id",))["site_id"]
    with _called(name="site_name"):
        site = {"name": form.text("site_name")}
        site_id = chosen or create_site(transaction, account_id, site, now, by=by).id
    with _called(name="door_name"):
        body = {"name": form.text("door_name"), "site_id": site_id, **form.body(texts=("driver",))}
        return create_channel(transaction, account_id, body, now, by).name


def make_person(transaction: Transaction, vault: Vault, form: Sent, by: Principal, now: int) -> str:
    """The first person, who may open the door at any time; gives their name."""
    body = form.body(texts=("first_name", "last_name"))
    role_id = _role(transaction, by, now)
    if role_id is not None:
        body["role_ids"] = [role_id]
    made = create_person(transaction, vault, by.account_id, body, now, by=by)
    return f"{made.first_name} {made.last_name}"


def give_card(transaction: Transaction, vault: Vault, form: Sent, by: Principal, now: int) -> str:
    """Give the person a card if they have none, and a role for the door if they have none; gives their name."""
    account_id, number = by.account_id, form.body(numbers=("person_id",))["person_id"]
    found = progress_of(transaction, by, number if isinstance(number, int) else 0)
    if found.person is None:
        raise Conflict("The person is not there any more")
    person = found.person
    if person.card is None:
        types = ensure_default_types(transaction, account_id, now)
        card_type = next((each for each in types if each.kind == CARD), None)
        if card_type is None:
            raise Conflict("There is no credential type for cards: add one first")
        body = {"credential_type_id": card_type.id, **form.body(texts=("value",))}
        create_credential(transaction, vault, account_id, person.id, body, now, by=by)
    if not person.has_role:
        role_id = _role(transaction, by, now)
        if role_id is not None:
            held = get_person(transaction, account_id, person.id).role_ids
            update_person(transaction, vault, account_id, person.id, {"role_ids": [*held, role_id]}, now, by=by)
    return person.name


def _role(transaction: Transaction, by: Principal, now: int) -> int | None:
    """A role that opens the first door alone, at any time; None where there is no door."""
    door = first_door(transaction, by)
    if door is None:
        return None
    known = role_of_door(transaction, by, door.id)
    if known is not None:
        return known
    name = f"{door.name[:_LONGEST]}, at any time"
    if is_role(transaction, by, name):
        name = f"{name} ({door.id})"
    return create_role(transaction, by.account_id, {"name": name, "channel_ids": [door.id]}, now, by=by).id
