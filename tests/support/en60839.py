"""What EN 60839-11-1 asks of an access control system, in our own words, and which tests show it.

A test that shows one of these carries the mark `@pytest.mark.en60839("6.8/20", …)`. `make en60839` runs those tests and
writes docs/reference/en60839.md of what came of them. The numbers are those of the standard's clauses and, after the
slash, of the rows of the clause's table where we know them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

CLAUSES: Mapping[str, str] = {
    "6.2.1": "The lock is released for a time that can be set for each door, and locks again by itself.",
    "6.2.1/held": "A door that stays open longer than may be, after leave was given, is reported.",
    "6.2.2": "A door opens only to whom the rules admit at that time and place; everybody else is refused.",
    "6.2.2/exit": "Leaving stays possible: a request to exit is granted also where entering is not.",
    "6.2.2/passback": "A credential that has been used to go in does not go in again before it went out.",
    "6.2.2/two": "Where two people are wanted, one alone does not get in.",
    "6.2.3": "Whether the door is open or closed is watched; open without leave is reported as forced.",
    "6.2.3/fault": "A contact whose line is cut or shorted is reported as a fault.",
    "6.3.1": "Whoever presents a credential is shown whether they are admitted.",
    "6.3.3": "A door about to be held open too long warns where it is, before the alarm.",
    "6.3.4": "Admissions, refusals and alarms are recorded with time, place and person.",
    "6.3.4/lost": "Records that could not be kept are themselves on record as lost.",
    "6.4/time": "Times are right when the clock changes, in the zone of the site.",
    "6.4/periods": "Weekly periods with hours and minutes, and holidays, limit when somebody is admitted.",
    "6.4/two factors": "A card can be asked for together with a PIN of the same person, within a time.",
    "6.4/pin": "PINs have at least four digits, and are too many to be found by trying.",
    "6.4/clock": "The controller's clock is compared with the server's; a wrong one is reported.",
    "6.5": "Somebody who is forced to open can say so without anybody at the door noticing.",
    "6.6": "Operators can release, unlock and lock down doors from afar, and each such act is recorded.",
    "6.6/lockdown": "A lockdown of a site wins over whatever would open its doors.",
    "6.7": "Both ends of a connection know each other by a key; what is altered, repeated or foreign is refused.",
    "6.7/loss": "Loss of contact between controller and server is noticed and reported.",
    "6.8/power": "After a loss of power a controller works on with what it had.",
    "6.8/tamper": "Opening the housing is reported, and nobody gets in by it.",
    "6.8/17": "Records that could not be sent outlast a loss of power.",
    "6.8/18": "What crosses a shared network is encrypted.",
    "6.8/20": "Neither the loss nor the return of a connection moves a lock.",
    "6.8/21": "Without the server, decisions go on as before.",
    "6.8/22": "Codes and keys are not readable where they are kept or shown.",
    "6.8/24": "Reader and controller speak encrypted and know each other.",
}

HEAD = """# EN 60839-11-1

Tested against, never certified. Written by a run of the tests that carry a clause (`make en60839`); the clauses are in
our own words, and only those that software can show: nothing here is said of housings, power supplies, electromagnetic
compatibility or the climate. A number after a slash is a row of the clause's table, a word after it tells parts of one
clause apart.

"""


def page(outcomes: Mapping[str, Mapping[str, str]]) -> str:
    """The page, of each clause's tests and what became of them."""
    lines = ["| clause | what it asks | tests that show it | result |", "| --- | --- | --- | --- |"]
    for clause, words in CLAUSES.items():
        found = outcomes.get(clause, {})
        tests = "<br>".join(f"`{name}`" for name in sorted(found)) or "none"
        lines.append(f"| {clause} | {words} | {tests} | {_result(found.values())} |")
    shown = sum(1 for clause in CLAUSES if _result(outcomes.get(clause, {}).values()) == "passed")
    return f"{HEAD}{shown} of {len(CLAUSES)} shown.\n\n" + "\n".join(lines) + "\n"


def by_clause(reports: Iterable[tuple[str, tuple[str, ...], str]]) -> dict[str, dict[str, str]]:
    """Outcomes by clause and test, of (test, clauses, outcome); a test of many cases has passed if all have."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name, clauses, outcome in reports:
        test = name.split("[", 1)[0]
        for clause in clauses:
            if found[clause].get(test, "passed") == "passed":
                found[clause][test] = outcome
    return found


def _result(outcomes: Iterable[str]) -> str:
    found = list(outcomes)
    if not found:
        return "not shown"
    failed = sum(1 for outcome in found if outcome != "passed")
    return "passed" if not failed else f"{failed} of {len(found)} failed"
