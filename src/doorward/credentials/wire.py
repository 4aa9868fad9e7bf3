"""Credentials on the wire (contract, Credential), and what they are asked for with."""

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from doorward.credentials.enrolled import Credential
from doorward.credentials.pins import HIDDEN
from doorward.decision.codes import APPLE, GOOGLE
from doorward.kit import public_ids
from doorward.kit.errors import NotFound
from doorward.wire.docs import Id

_LONGEST_ID = 64
KIND = "credential"
"""Of public ids."""

HIDDEN_PINS: Final = f'A PIN is "{HIDDEN}" to those who could not change it.'
"""As operations that show credentials say it."""


class CredentialBody(Struct, frozen=True, gc=False):
    """A credential: these fields in this order. The last two only of what is in a telephone's wallet."""

    id: str
    credential_type_id: Id
    label: str
    person_id: Id
    value: str | None
    status: Literal["active"] | UnsetType = UNSET
    wallet_type: Literal["apple", "google"] | UnsetType = UNSET


class NewCredential(Struct, frozen=True, omit_defaults=True):
    """A credential as given to a person; a `value` of "******" makes a random PIN."""

    credential_type_id: Id
    value: str | None = None
    person_id: Id | None = None


class CredentialInput(Struct, frozen=True):
    """A credential as created."""

    person_credential: NewCredential


class NewValue(Struct, frozen=True):
    """Another value of a credential."""

    value: str


class CredentialUpdateInput(Struct, frozen=True):
    """A credential as changed."""

    person_credential: NewValue


def credential_body(found: Credential) -> CredentialBody:
    """A credential as the API shows it."""
    wallet: Literal["apple", "google"] | UnsetType = UNSET
    if found.kind == APPLE:
        wallet = "apple"
    elif found.kind == GOOGLE:
        wallet = "google"
    return CredentialBody(
        public_ids.encode(KIND, found.id),
        found.credential_type_id,
        found.label,
        found.person_id,
        found.value,
        UNSET if wallet is UNSET else "active",
        wallet,
    )


def credential_number(public_id: str) -> int:
    """The id that a public one in a path stands for. Raises NotFound for what is none."""
    number = public_ids.decode(KIND, public_id) if len(public_id) <= _LONGEST_ID else None
    if number is None:
        raise NotFound
    return number
