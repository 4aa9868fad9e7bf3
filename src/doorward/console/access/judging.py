"""A question judged by the engine: by the person alone, or as if they presented what they have of some kinds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from doorward.access.service import Access, Question
from doorward.decision.engine import decide
from doorward.decision.snapshot import Credential, Directory, Presented
from doorward.decision.verdict import Verdict

_STAND_IN: Final = "what they have of this kind"
"""Numbers and PINs are nobody's business here: one that stands for each will do."""


def judged(question: Question, access: Access, kinds: Sequence[str]) -> Verdict:
    """The verdict; of two kinds, the second is presented in time."""
    if not kinds:
        return access.verdict
    compiled = question.compiled[access.place.id]
    directory = Directory()
    enrolled = question.kinds.get(access.person.id, frozenset())
    directory.put(access.person, [Credential(kind, _STAND_IN) for kind in sorted(enrolled)])
    presented = [Credential(kind, _STAND_IN) for kind in kinds]
    return decide(
        replace(compiled.snapshot, directory=directory),
        compiled.controls.state(question.presence),
        Presented(presented[0], presented[1] if len(presented) > 1 else None),
        question.at,
    )
