"""The credentials that a file gives out: by the rules of credentials/choosing.py, for all its rows together.

PINs are settled last: how long they must be depends on how many people will have one.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from doorward.credentials.choosing import VALUE_IN_USE, lookup, stored_value
from doorward.credentials.pins import MEMORISED, MOST_HOLDERS, RANDOM, random_pin, shortest_length
from doorward.credentials.types import CredentialType
from doorward.credentials.values import normal_value
from doorward.db.unit_of_work import Database
from doorward.imports.complaints import Complaints
from doorward.imports.known import Account, Held, pin_holders, pin_lookups
from doorward.kit.crypto import Vault
from doorward.kit.structured_fields import StructuredFields
from doorward.kit.text import InvalidText

_TRIES: Final = 1000


class Presented(Struct, frozen=True, gc=False):
    """A cell with a credential: its value, and by what it is found. Without a lookup it is a PIN to be made."""

    type: CredentialType
    value: str
    lookup: str

    def __repr__(self) -> str:
        return "Presented(…)"


class Given(Struct, gc=False):
    """A credential to be written: a new one, or another value for `held_id`. Its PIN may be settled later."""

    row: int
    type: CredentialType
    held_id: int | None
    stored: str
    lookup: str
    digits: int = 0
    """Of a PIN."""

    def __repr__(self) -> str:
        return "Given(…)"


class Keys:
    """All credentials of one file."""

    def __init__(self, vault: Vault, account: Account) -> None:
        self._vault = vault
        self._account = account
        self._rows: dict[str, int] = {}
        self._pins: list[Given] = []
        self.new_holders = 0
        """How many people get a PIN who have none."""
        self.digits = 0
        """How long a PIN must be then."""

    def read(self, fields: StructuredFields, row: int) -> tuple[Presented, ...]:
        """The credentials that a row names, as far as each is right by itself."""
        found = []
        for slug, wanted in self._account.types.items():
            value = fields.text(slug) if slug in fields else None
            if value is None:
                continue
            if value.strip() == RANDOM:
                if wanted.kind in MEMORISED:
                    found.append(Presented(wanted, "", ""))
                else:
                    fields.complain(slug, "can be made at random only for a PIN")
                continue
            try:
                normal = normal_value(wanted.kind, value)
            except InvalidText as error:
                fields.complain(slug, str(error))
                continue
            key = lookup(self._vault, self._account.id, wanted.kind, normal)
            if self._rows.setdefault(key, row) == row:
                found.append(Presented(wanted, value.strip(), key))
            else:
                fields.complain(slug, f"is in row {self._rows[key]}, too")
        return tuple(found)

    def give(
        self,
        fields: StructuredFields,
        row: int,
        presented: Sequence[Presented],
        held: Sequence[Held],
        taken: Mapping[str, Held],
    ) -> tuple[Given, ...]:
        """What is to be written for one person, who holds something or nothing yet."""
        found: list[Given] = []
        for each in presented:
            mine = next((one for one in held if one.credential_type_id == each.type.id), None)
            other = taken.get(each.lookup) if each.lookup else None
            is_taken = other is not None and (mine is None or other.id != mine.id)
            if is_taken or any(each.lookup and one.lookup == each.lookup for one in found):
                fields.complain(each.type.slug, VALUE_IN_USE)
            elif mine is None or not self._is_same(mine, each):
                given = Given(row, each.type, mine and mine.id, self._stored(each), each.lookup, len(each.value))
                found.append(given)
                if each.type.kind in MEMORISED:
                    self._pins.append(given)
        pin_types = {wanted.id for wanted in self._account.types.values() if wanted.kind in MEMORISED}
        if any(given.type.kind in MEMORISED for given in found) and pin_types.isdisjoint(
            one.credential_type_id for one in held
        ):
            self.new_holders += 1
        return tuple(found)

    def settle(self, database: Database, complaints: Complaints) -> None:
        """Make the PINs that are to be made, and complain of those that are too short."""
        if not self._pins:
            return
        account_id = self._account.id
        holders = self.new_holders + database.read_now(lambda transaction: pin_holders(transaction, account_id))
        digits = shortest_length(holders)
        if digits is None:
            message = f"can't be given: at most {MOST_HOLDERS} people of an account can have a PIN"
            complaints.add(None, {self._pins[0].type.slug: [message]})
            return
        self.digits = digits
        used = database.read_now(lambda transaction: pin_lookups(transaction, account_id))
        used.update(self._rows)
        for given in self._pins:
            if not given.lookup:
                self._make(given, used)
            elif given.digits < digits:
                message = f"is too short: where {holders} people have a PIN, it needs at least {digits} digits"
                complaints.add(given.row, {given.type.slug: [message]})

    def _make(self, given: Given, used: set[str]) -> None:
        for _ in range(_TRIES):
            pin = random_pin(self.digits)
            key = lookup(self._vault, self._account.id, given.type.kind, pin)
            if key not in used:
                used.add(key)
                given.lookup, given.digits = key, self.digits
                given.stored = stored_value(self._vault, self._account.id, given.type.kind, pin)
                return
        raise RuntimeError("no PIN was found that is not in use")

    def _stored(self, each: Presented) -> str:
        return stored_value(self._vault, self._account.id, each.type.kind, each.value) if each.lookup else ""

    def _is_same(self, mine: Held, each: Presented) -> bool:
        return mine.lookup == each.lookup and (each.type.kind in MEMORISED or mine.stored == each.value)
