"""A verdict drawn as the steps that the engine takes, in its order, each in its own words.

Nothing is judged here: which step a decision ended at is told by the reasons that the engine gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from doorward.decision.snapshot import Channel
from doorward.decision.verdict import ReasonCode, Verdict
from doorward.decision.wording import reasons_of

State = Literal["passed", "failed", "not_asked"]

_NOTES: Final = frozenset({ReasonCode.FIRST_PERSON_MISSING})
"""Said beside a refusal; they are not what refuses."""
_OPEN_TO_ALL: Final = frozenset({ReasonCode.UNLOCK_MODE, ReasonCode.AUTO_UNLOCK})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is about, how it went, and what is said of it."""

    key: str
    title: str
    icon: str
    state: State
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chain:
    """All steps. `decided_by` is the code of the first reason, `notes` what is said beside."""

    steps: list[Step]
    decided_by: str
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Kind:
    key: str
    title: str
    icon: str
    codes: frozenset[ReasonCode]
    usual: str = ""
    """What is said of it where the engine has nothing to say."""


_DOOR: Final = _Kind(
    "door",
    "The door decides",
    "door",
    frozenset(
        {
            ReasonCode.TAMPERED,
            ReasonCode.CARD_LOCKDOWN,
            ReasonCode.AUX_LOCKDOWN,
            ReasonCode.STALE,
            ReasonCode.RULE_FAILED,
            *_OPEN_TO_ALL,
        }
    ),
    "It is not locked down.",
)
_CREDENTIAL: Final = _Kind(
    "credential",
    "What they present",
    "credit-card",
    frozenset({ReasonCode.UNKNOWN_CREDENTIAL, ReasonCode.TYPE_NOT_ACCEPTED}),
    "It is theirs, and this door takes it.",
)
_PERSON: Final = _Kind(
    "person",
    "The person",
    "user",
    frozenset(
        {
            ReasonCode.PERSON_UNKNOWN,
            ReasonCode.PERSON_DISABLED,
            ReasonCode.PERSON_DELETED,
            ReasonCode.NOT_YET_VALID,
            ReasonCode.NO_LONGER_VALID,
        }
    ),
    "Enabled, and valid then.",
)
_ROLE: Final = _Kind(
    "role",
    "A role that names the door",
    "id-badge",
    frozenset({ReasonCode.NO_ROLE_HERE, ReasonCode.NOT_YET_IN_GROUP}),
)
_HOURS: Final = _Kind("hours", "Its hours", "clock", frozenset({ReasonCode.OUT_OF_HOURS, ReasonCode.ROLE_GRANTS}))
_PASSBACK: Final = _Kind(
    "passback",
    "Anti-passback",
    "arrow-back-up",
    frozenset({ReasonCode.PASSED_BACK, ReasonCode.PASSED_BACK_NOTED}),
    "By what is known of where they are, nothing has been passed back.",
)
_SECOND_FACTOR: Final = _Kind(
    "second_factor",
    "The second factor",
    "password",
    frozenset(
        {
            ReasonCode.SECOND_FACTOR_MISSING,
            ReasonCode.SECOND_FACTOR_LATE,
            ReasonCode.SECOND_FACTOR_WRONG,
            ReasonCode.SECOND_FACTOR_RIGHT,
        }
    ),
)
_SECOND_PERSON: Final = _Kind(
    "second_person",
    "A second person",
    "users",
    frozenset({ReasonCode.SECOND_PERSON, ReasonCode.SECOND_PERSON_MISSING}),
)


def chain_of(verdict: Verdict, kinds: Sequence[str]) -> Chain:
    """The steps of a verdict about somebody who presents these kinds of credential, or nothing in particular."""
    told = list(zip((reason.code for reason in verdict.reasons), reasons_of(verdict), strict=False))
    reasons = [(code, text) for code, (_, text) in told if code not in _NOTES]
    notes = [text for code, (_, text) in told if code in _NOTES]
    steps = _kinds_of(verdict.channel, kinds)
    codes = [code for code, _ in reasons]
    ended = _ended_at(steps, codes, admitted=verdict.admitted)
    found: list[Step] = []
    for place, kind in enumerate(steps):
        said = [text for code, text in reasons if code in kind.codes]
        state: State = "passed"
        if place > ended:
            state = "not_asked"
        elif place == ended and not verdict.admitted:
            state = "failed"
        usual = [kind.usual] if kind.usual and state == "passed" else []
        found.append(Step(kind.key, kind.title, kind.icon, state, said or usual))
    return Chain(found, str(codes[0]) if codes else "", notes)


def _kinds_of(channel: Channel, kinds: Sequence[str]) -> list[_Kind]:
    """The steps that there are at a door: what it does not want is no step."""
    found = [_DOOR]
    if kinds:
        found.append(_CREDENTIAL)
    found.extend((_PERSON, _ROLE, _HOURS))
    if channel.passback is not None:
        found.append(_PASSBACK)
    if channel.two_factor and kinds:
        found.append(_SECOND_FACTOR)
    if channel.two_person and kinds:
        found.append(_SECOND_PERSON)
    return found


def _ended_at(steps: Sequence[_Kind], codes: Sequence[ReasonCode], *, admitted: bool) -> int:
    """The place of the step after which nothing more was asked."""
    if admitted and not _OPEN_TO_ALL.intersection(codes):
        return len(steps)
    return next((place for place, kind in enumerate(steps) if kind.codes.intersection(codes)), 0)
