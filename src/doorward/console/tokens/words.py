"""What a token may do, in groups that one can choose from. No I/O."""

from typing import Final, NamedTuple

from doorward.oauth.principal import Principal
from doorward.oauth.scope_words import SCOPE_WORDS
from doorward.oauth.scopes import ALL_SCOPES, PERMISSIONS

_SUBJECTS: Final = (
    ("People and what they carry", ("account.person", "account.credential_type", "account.group")),
    ("Doors and sites", ("account.channel", "account.site", "account.sync")),
    ("Access", ("account.role", "account.shift", "account.reservation", "account.group_reservation")),
    ("What happens", ("account.event", "account.alarm", "account.reports", "account.notification_rule")),
    ("The account", ("account.settings", "account.user", "account.application", "account.audit")),
)


class Subject(NamedTuple):
    """Scopes that stand together, each with its words."""

    title: str
    scopes: tuple[tuple[str, str], ...]


def permitted(principal: Principal) -> frozenset[str]:
    """The scopes that a user may give to a token: more would be of no use."""
    return principal.scopes & PERMISSIONS.get(principal.user_role, frozenset())


def reading(scopes: frozenset[str]) -> list[str]:
    """Those that only let one see."""
    return sorted(scope for scope in scopes if scope.endswith(".readonly"))


def subjects_of(scopes: frozenset[str]) -> list[Subject]:
    """The scopes in groups, what only lets one see first; each is in one group."""
    found = []
    for title, stems in _SUBJECTS:
        of_it = [scope for scope in SCOPE_WORDS if scope in scopes and _stem(scope, stems)]
        if of_it:
            found.append(Subject(title, tuple((scope, SCOPE_WORDS[scope]) for scope in of_it)))
    return found


def in_words(scopes: frozenset[str]) -> list[str]:
    """What they let do, each once."""
    return list(dict.fromkeys(words for scope, words in SCOPE_WORDS.items() if scope in scopes))


def summary(scopes: frozenset[str]) -> str:
    """What they let do, in a few words."""
    if scopes >= ALL_SCOPES:
        return "Everything"
    writing = [scope for scope in scopes if not scope.endswith(".readonly")]
    count = len(in_words(scopes))
    things = "1 thing" if count == 1 else f"{count} things"
    return things if writing else f"Only to see: {things}"


def _stem(scope: str, stems: tuple[str, ...]) -> bool:
    return any(scope == stem or scope.startswith(f"{stem}.") for stem in stems)
