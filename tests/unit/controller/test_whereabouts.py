"""Where people are: by this controller's doors, and by what the server says of others."""

from doorward.controller.whereabouts import Whereabouts
from doorward.decision.snapshot import Presence


def test_the_later_move_counts_whoever_saw_it() -> None:
    here = Whereabouts()
    here.move(1, Presence(3, 100), index=7)
    here.told([(1, 4, 50)], everyone=False, recorded=0)
    assert here.presences == {1: Presence(3, 100)}
    here.told([(1, 4, 200)], everyone=False, recorded=0)
    here.move(1, Presence(3, 150), index=8)
    assert here.presences == {1: Presence(4, 200)}


def test_where_nobody_knows_somebody_to_be_they_are_nowhere_known() -> None:
    here = Whereabouts()
    here.told([(1, 4, 200), (2, None, 300)], everyone=False, recorded=0)
    here.told([(1, None, 0)], everyone=False, recorded=0)
    assert here.presences == {2: Presence(None, 300)}


def test_who_is_not_named_among_everyone_is_forgotten_unless_the_server_cannot_know_yet() -> None:
    here = Whereabouts()
    here.move(1, Presence(3, 100), index=7)
    here.move(2, Presence(3, 100), index=8)
    here.told([(5, 3, 10)], everyone=True, recorded=7)
    assert here.presences == {2: Presence(3, 100), 5: Presence(3, 10)}


def test_what_has_changed_is_kept_and_restored() -> None:
    here = Whereabouts()
    here.move(1, Presence(None, 100), index=7)
    here.move(2, Presence(3, 100), index=8)
    kept = here.unsaved()
    assert here.unsaved() == {}
    there = Whereabouts()
    there.restore({person_id: raw for person_id, raw in kept.items() if raw is not None})
    assert there.presences == here.presences
    here.told([], everyone=True, recorded=9)
    assert here.unsaved() == {1: None, 2: None}
    here.save_again([1])
    assert here.unsaved() == {1: None}
