"""What holds at a door whatever happens at it, in whatever order."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.controller.releases import OPENING_GRACE_MS
from doorward.decision.codes import ADMITTING
from doorward.decision.engine import is_unlocked
from doorward.decision.shifts import Stretch, Timetable
from doorward.decision.snapshot import Passback
from tests.unit.controller.site import ADA, BEN, DAN, MINUTE, NOW, SECOND, SETTING, Site

PROFILE: Final = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

Act = tuple[str, Callable[[Site], object]]
"""Something that happens, and what it is called."""


def act(name: str, what: Callable[[Site], object]) -> Act:
    return name, what


AT_THE_DOOR: Final = (
    act("Ada's card", lambda site: site.show(ADA)),
    act("Ben's card", lambda site: site.show(BEN)),
    act("Ada's PIN", lambda site: site.keys("4711#")),
    act("Ben's PIN without its end", lambda site: site.keys("5511")),
    act("a duress PIN", lambda site: site.keys("4712#")),
    act("Ada's number plate", lambda site: site.show(ADA, "aux")),
    act("a disabled person's card", lambda site: site.show(DAN)),
    act("an unknown card", lambda site: site.card("999")),
    act("half a PIN", lambda site: site.keys("47")),
    act("the button", lambda site: site.rex()),
    act("the button held", lambda site: site.driver.hold_rex(1, True)),
    act("the button let go", lambda site: site.driver.hold_rex(1, False)),
    act("opened", lambda site: site.open()),
    act("opened", lambda site: site.open()),
    act("closed", lambda site: site.close()),
    act("closed", lambda site: site.close()),
)
FROM_AFAR: Final = (
    act("released from afar", lambda site: site.door.admit(61, None, site.presence, site.now)),
    act("card lockdown", lambda site: site.set(card_lockdown=True)),
    act("aux lockdown", lambda site: site.set(aux_lockdown=True)),
    act("no lockdown", lambda site: site.set(card_lockdown=False, aux_lockdown=False)),
    act("unlocked", lambda site: site.set(unlocked=True, unlocked_until=None)),
    act("unlocked for a while", lambda site: site.set(unlocked=True, unlocked_until=site.now + 40 * SECOND)),
    act("normal", lambda site: site.set(unlocked=False, unlocked_until=None)),
)
WRONG: Final = (
    act("tampered with", lambda site: site.driver.tamper(1, True)),
    act("tampered with no more", lambda site: site.driver.tamper(1, False)),
    act("contact at fault", lambda site: site.driver.fault_contact(1, True)),
    act("contact whole", lambda site: site.driver.fault_contact(1, False)),
    act("power cut", lambda site: site.driver.cut_power(1)),
    act("line cut", lambda site: site.driver.cut_line(1)),
    act("back", lambda site: site.driver.restore(1)),
    act("back", lambda site: site.driver.restore(1)),
    act("slow", lambda site: site.driver.slow_reader(1, 1_500)),
)

pauses = st.sampled_from((0, 0, 1, 499, 500, 1_000, 2_500, 5_000, 9_999, 10_001, 30_000, 61_000))


@dataclass(frozen=True)
class Play:
    """A door, and what happens at it: pauses in milliseconds, each before something that happens."""

    rules: dict[str, Any]
    setting: dict[str, Any]
    acts: list[tuple[int, Act]]

    def __repr__(self) -> str:
        return f"Play({self.rules}, {self.setting}, {[(pause, name) for pause, (name, _) in self.acts]})"

    def site(self) -> Site:
        return Site(replace(SETTING, **self.setting), **self.rules)


def plays(acts: tuple[Act, ...], **rules: st.SearchStrategy[Any]) -> st.SearchStrategy[Play]:
    shift = Timetable(Stretch(NOW + 20 * SECOND, NOW + 3 * MINUTE), "Europe/London")
    of_channel = {
        "auto_unlock": st.sampled_from((None, None, shift)),
        "first_person_in": st.booleans(),
        "two_person": st.sampled_from((False, False, True)),
        "two_factor": st.sampled_from((False, False, True)),
        "passback": st.sampled_from((None, None, Passback("hard"), Passback("timed", 1))),
        "area_to": st.sampled_from((None, 5)),
    }
    of_setting = {
        "pulse_ms": st.sampled_from((5_000, 60_000)),
        "held_open_ms": st.sampled_from((2_000, 30_000)),
        "held_open_warning_ms": st.sampled_from((0, 1_000)),
        "rex_held_ms": st.sampled_from((0, 3_000)),
        "relock_on_open": st.booleans(),
    }
    return st.builds(
        Play,
        st.fixed_dictionaries({**of_channel, **rules}),
        st.fixed_dictionaries(of_setting),
        st.lists(st.tuples(pauses, st.sampled_from(acts)), min_size=3, max_size=14),
    )


def playing(play: Play, site: Site, after_each: Callable[[], object] = lambda: None) -> None:
    for pause, (_, what) in play.acts:
        site.run(pause)
        what(site)
        after_each()
    site.run(2 * MINUTE)


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR + WRONG))
def test_the_lock_is_released_only_while_somebody_has_been_let_in_or_everybody_may(play: Play) -> None:
    site = play.site()

    def look() -> None:
        if site.driver.door(1).dark is not None or not site.released:
            return
        if is_unlocked(site.door.snapshot, site.door.state({}), site.now):
            return
        assert any(
            fact.code in ADMITTING and fact.at <= site.now < fact.at + site.door.setting.pulse_ms for fact in site.facts
        ), site.codes

    playing(play, site, look)
    look()
    unlocked = is_unlocked(site.door.snapshot, site.door.state({}), site.now)
    if site.driver.door(1).dark is None:
        assert site.released == unlocked


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR + WRONG))
def test_in_a_lockdown_and_when_tampered_with_only_leaving_releases_the_lock(play: Play) -> None:
    site = play.site()

    def look() -> None:
        state = site.door.state({})
        barred = state.tampered or (state.card_lockdown and state.aux_lockdown)
        if barred and site.released and site.driver.door(1).dark is None:
            pulse = site.door.setting.pulse_ms
            assert any(fact.code == 13 and fact.at <= site.now < fact.at + pulse for fact in site.facts), site.codes

    playing(play, site, look)


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR + WRONG), st.lists(st.integers(1, 400_000), max_size=30))
def test_to_look_at_the_door_more_often_than_it_is_due_changes_nothing(play: Play, further: list[int]) -> None:
    plain, watched = play.site(), play.site()
    for milliseconds in further:
        watched.hardware.after(milliseconds, lambda: watched.door.tick(watched.now))
    playing(play, plain)
    playing(play, watched)
    assert plain.facts == watched.facts
    assert (plain.lock, plain.shown) == (watched.lock, watched.shown)


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR + WRONG))
def test_once_looked_at_a_door_is_due_only_later(play: Play) -> None:
    site = play.site()

    def look() -> None:
        site.door.tick(site.now)
        due = site.door.next_due(site.now)
        assert due is None or due > site.now

    playing(play, site, look)


@PROFILE
@given(
    plays(
        tuple(each for each in AT_THE_DOOR + FROM_AFAR if each[0] not in {"half a PIN", "the button held"}),
        two_person=st.just(False),
        two_factor=st.just(False),
    ),
    st.sets(st.integers(0, 13), max_size=4),
)
def test_a_restart_between_two_things_that_happen_is_on_record_nowhere(play: Play, restarts: set[int]) -> None:
    acts = [(pause, each) for pause, each in play.acts if each[0] != "Ben's PIN without its end"]
    play = replace(play, acts=acts)
    plain, restarted = play.site(), play.site()
    done = iter(range(len(acts)))

    def restart_sometimes() -> None:
        if next(done) in restarts:
            restarted.restart()

    playing(play, plain)
    playing(play, restarted, restart_sometimes)
    assert [(fact.code, fact.at) for fact in restarted.facts] == [(fact.code, fact.at) for fact in plain.facts]


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR + WRONG))
def test_leaving_is_possible_at_any_time(play: Play) -> None:
    site = play.site()

    def leave() -> None:
        if site.driver.door(1).dark is None:
            site.rex()
            assert site.released

    playing(play, site, leave)


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR))
def test_a_door_opened_while_its_lock_is_released_is_never_forced(play: Play) -> None:
    site = play.site()
    released_at: list[int] = []

    def look() -> None:
        if site.released:
            released_at.append(site.now)

    for pause, (name, what) in play.acts:
        site.run(pause)
        look()
        before = len(site.facts)
        what(site)
        if name == "opened" and released_at and released_at[-1] == site.now:
            assert 33 not in [fact.code for fact in site.facts[before:]]
    assert OPENING_GRACE_MS < SECOND + 1


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR + WRONG))
def test_an_alarm_that_was_told_of_is_told_to_be_over_before_another(play: Play) -> None:
    site = play.site()
    playing(play, site)
    site.driver.restore(1)
    site.driver.fault_contact(1, False)
    site.close()
    alarms = [fact.code for fact in site.facts if fact.code in {33, 34, 35, 37}]
    open_alarms = 0
    for code in alarms:
        open_alarms += -1 if code == 35 else 1
        assert 0 <= open_alarms <= 2, alarms
    assert (open_alarms, site.door.alarm) == (0, None), alarms


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR + WRONG))
def test_under_duress_nothing_at_the_door_is_other_than_with_the_pin(play: Play) -> None:
    pin = next(each for each in AT_THE_DOOR if each[0] == "Ada's PIN")
    under_duress = next(each for each in AT_THE_DOOR if each[0] == "a duress PIN")
    calm = replace(play, acts=[(pause, pin if each is under_duress else each) for pause, each in play.acts])
    forced = replace(play, acts=[(pause, under_duress if each is pin else each) for pause, each in play.acts])
    plain, seen = play.site(), play.site()
    playing(calm, plain)
    playing(forced, seen)
    assert (plain.lock, plain.shown) == (seen.lock, seen.shown)
    assert [(fact.code, fact.at) for fact in plain.facts if fact.code != 39] == [
        (fact.code, fact.at) for fact in seen.facts if fact.code not in {39, 63}
    ]


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR, two_person=st.just(True)))
def test_where_two_people_are_wanted_nobody_is_let_in_alone(play: Play) -> None:
    site = play.site()
    playing(play, site)
    let_in: dict[int, list[int | None]] = {}
    for fact in site.facts:
        if fact.code in {10, 11, 14, 70}:
            let_in.setdefault(fact.at, []).append(fact.verdict.person_id if fact.verdict else None)
    for at, people in let_in.items():
        assert len(people) % 2 == 0, (at, people)
        assert all(first != second for first, second in zip(people[::2], people[1::2], strict=True)), (at, people)


@PROFILE
@given(plays(AT_THE_DOOR + FROM_AFAR, two_factor=st.just(True)))
def test_where_two_factors_are_wanted_one_lets_nobody_in(play: Play) -> None:
    site = play.site()
    playing(play, site)
    assert not {10, 11, 14} & set(site.codes)
