"""What the engine answers: admitted or not, the event code, and the reasons as values."""

from enum import StrEnum

import msgspec

from doorward.decision.codes import EventCode
from doorward.decision.snapshot import Channel, Grant, Person


class ReasonCode(StrEnum):
    """Why, for machines. A sentence for people is made of it by wording.py."""

    TAMPERED = "tampered"
    CARD_LOCKDOWN = "card_lockdown"
    AUX_LOCKDOWN = "aux_lockdown"
    REX_LOCKDOWN = "rex_lockdown"
    UNLOCK_MODE = "unlock_mode"
    AUTO_UNLOCK = "auto_unlock"
    STALE = "stale"
    UNKNOWN_CREDENTIAL = "unknown_credential"
    TYPE_NOT_ACCEPTED = "type_not_accepted"
    PERSON_UNKNOWN = "person_unknown"
    PERSON_DISABLED = "person_disabled"
    PERSON_DELETED = "person_deleted"
    NOT_YET_VALID = "not_yet_valid"
    NO_LONGER_VALID = "no_longer_valid"
    NO_ROLE_HERE = "no_role_here"
    NOT_YET_IN_GROUP = "not_yet_in_group"
    OUT_OF_HOURS = "out_of_hours"
    PASSED_BACK = "passed_back"
    PASSED_BACK_NOTED = "passed_back_noted"
    SECOND_FACTOR_MISSING = "second_factor_missing"
    SECOND_FACTOR_LATE = "second_factor_late"
    SECOND_FACTOR_WRONG = "second_factor_wrong"
    SECOND_FACTOR_RIGHT = "second_factor_right"
    ROLE_GRANTS = "role_grants"
    LEAVING = "leaving"
    RELEASED_REMOTELY = "released_remotely"
    FIRST_PERSON_MISSING = "first_person_missing"
    SECOND_PERSON_MISSING = "second_person_missing"
    SECOND_PERSON = "second_person"
    DECIDED_BY_BOARD = "decided_by_board"
    EXIT_BUTTON_FAULTY = "exit_button_faulty"
    EXIT_BUTTON_WHOLE = "exit_button_whole"
    PINS_NOT_TAKEN = "pins_not_taken"
    REPORTED_LATE = "reported_late"
    EVENTS_LOST = "events_lost"
    RULE_FAILED = "rule_failed"


class Reason(msgspec.Struct, frozen=True, gc=False):
    """A code and what it is about: the grant, the kind of credential, an instant, a number, or nothing.

    A grant with an instant is of a role that a group reservation gives until then.
    """

    code: ReasonCode
    grant: Grant | None = None
    kind: str | None = None
    instant: int | None = None
    count: int | None = None
    text: str | None = None
    """A board's own word; it may be anything."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The answer of one decision; a value, so that it can be logged, compared and replayed."""

    event_code: EventCode
    admitted: bool
    channel: Channel
    at: int
    person: Person | None
    reasons: tuple[Reason, ...]
    kind: str | None = None
    """The kind of credential that was presented first."""
    duress: bool = False
    """A duress PIN was among what was presented. Nothing at the door may show it."""

    @property
    def person_id(self) -> int | None:
        """The person concerned, as far as known."""
        return None if self.person is None else self.person.id

    @property
    def person_name(self) -> str | None:
        """The person's name at this moment, as far as known."""
        return None if self.person is None else self.person.name
