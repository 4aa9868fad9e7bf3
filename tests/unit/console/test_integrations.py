"""What pages of integrations and settings say, and how their forms become bodies: without a browser."""

from collections.abc import Sequence

import pytest

from doorward.console.applications.reading import DayOfUse, chart_of
from doorward.console.card_formats.drawing import blocks_of, words_of
from doorward.console.forms import Sent
from doorward.console.rules import words
from doorward.console.rules.forms import body_of_form, body_of_rule, rows_of, values_of
from doorward.console.tokens.words import reading, subjects_of, summary
from doorward.console.webhooks.health import health_of, state_of
from doorward.console.webhooks.reading import EndpointRow
from doorward.decision.card_formats import CARD_FORMATS, CardFormat
from doorward.decision.codes import EventCode
from doorward.notification_rules.rule import Action, Condition, NotificationRule
from doorward.oauth.scopes import ALL_SCOPES
from doorward.webhooks.log import Logged

NOW = 1_700_000_000_000
RULE = NotificationRule(
    7,
    1,
    "Night",
    True,
    (
        Condition("door_controller_id", "3"),
        Condition("person_group", "9"),
        Condition("time_of_day", "mon,tue,wed 22:00-06:00"),
        Condition("time_of_day", "holiday 00:00-24:00"),
        Condition("replayed", "true"),
    ),
    (33, 34, 20),
    (
        Action(0, "https://a.example/x"),
        Action(1, "a@x.org, b@x.org"),
        Action(2, "https://chat.example/s"),
        Action(3, ""),
    ),
    NOW,
    NOW,
)


def _endpoint(**more: object) -> EndpointRow:
    there = EndpointRow(
        1,
        "application",
        4,
        None,
        "webhook",
        "https://a.example/h",
        None,
        None,
        None,
        None,
        "App",
        None,
        None,
        NOW,
        0,
        0,
    )
    return there._replace(**more)  # type: ignore[arg-type]  # each is of its field's type


def _form_of(rule: NotificationRule) -> Sent:
    """The form of a rule as a browser sends it when nobody has changed anything."""
    values = values_of(rule)
    fields: dict[str, Sequence[str]] = {
        "name": [rule.name],
        "active": ["true"] if rule.active else [],
        "include_replayed": ["true"],
        "console": ["true"],
        **{name: [str(each) for each in values[name]] for name in values if name.startswith("match_")},
        **{name: [values[name]] for name in ("post", "email", "slack")},
    }
    for place, row in enumerate(rows_of(values, None)):
        end = "00:00" if row["end"] == "24:00" else row["end"]
        fields |= {f"days_{place}": row["days"], f"start_{place}": [row["start"]], f"end_{place}": [end]}
    return Sent(fields)


@pytest.mark.parametrize(
    ("endpoint", "word"),
    [
        (_endpoint(), "Working"),
        (_endpoint(last_at=None), "Nothing sent yet"),
        (_endpoint(failed=2), "Retrying"),
        (_endpoint(failed=2, failing_since=NOW - 1), "Failing"),
        (_endpoint(failing_since=NOW - 1, paused_until=NOW + 1), "Paused"),
        (_endpoint(paused_until=NOW - 1), "Working"),
        (_endpoint(failing_since=NOW - 1, disabled_at=NOW, disabled_reason="failing"), "Switched off"),
    ],
)
def test_the_worst_is_said_of_an_endpoint(endpoint: EndpointRow, word: str) -> None:
    assert health_of(endpoint, NOW).word == word


def test_a_chat_is_shown_without_what_lets_one_post_there() -> None:
    shown = _endpoint(kind="rule", rule_id=7, channel="slack", target="https://chat.example/s/ecret").where
    assert shown.startswith("https://chat.example/")
    assert "ecret" not in shown


@pytest.mark.parametrize(
    ("state", "error", "word"),
    [
        ("pending", None, "Waiting"),
        ("pending", "was answered with 500", "Retrying"),
        ("delivered", None, "Delivered"),
        ("acknowledged", None, "Acknowledged"),
        ("given_up", "was answered with 500", "Given up"),
    ],
)
def test_a_delivery_that_failed_and_is_tried_again_is_not_said_to_wait(
    state: str, error: str | None, word: str
) -> None:
    delivery = Logged(
        1, 1, 4, None, "webhook", "Event", "CREATE", 5, None, state, 1, None, error, NOW, NOW, None, None, None, None
    )
    assert state_of(delivery).word == word


def test_the_form_of_a_rule_that_nobody_has_changed_makes_the_same_rule() -> None:
    assert body_of_form(_form_of(RULE)) == body_of_rule(RULE)


def test_hours_that_were_not_filled_in_are_none_and_half_of_them_are_complained_of_by_the_service() -> None:
    assert body_of_form(Sent({"days_0": [], "start_0": [""], "end_0": [""]}))["match_times"] == []
    half = body_of_form(Sent({"days_0": ["mon"], "start_0": [""], "end_0": [""]}))
    assert half["match_times"] == [{"days": ["mon"], "start": "", "end": ""}]


def test_every_kind_of_event_can_be_chosen_once_and_has_words() -> None:
    offered = [code for kinds in words.EVENT_KINDS for code in kinds.codes]
    assert sorted(offered) == sorted(map(int, EventCode))
    assert all(words.words_of(code)[0].isupper() and "{" not in words.words_of(code) for code in offered)
    assert words.words_of(EventCode.DURESS) == "Duress signalled by somebody at a door"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("mon,tue,wed,thu,fri 07:00-22:00", "Mon to Fri, 07:00 to 22:00"),
        ("sat,sun 00:00-24:00", "Sat, Sun, 00:00 to 24:00"),
        ("mon,wed,fri 09:00-10:00", "Mon, Wed, Fri, 09:00 to 10:00"),
        ("mon,tue,wed,holiday 09:00-10:00", "Mon, Tue, Wed, Holidays, 09:00 to 10:00"),
    ],
)
def test_hours_are_said_as_short_as_they_can_be(value: str, said: str) -> None:
    assert words.hours_words(value) == said


def test_a_door_that_is_gone_is_said_to_be_gone() -> None:
    found = words.conditions_of(RULE, {}, {9: "Team"})
    assert found["Doors"] == ["door 3, which is gone"]
    assert found["People"] == ["Team"]
    assert words.tells_late(RULE)
    assert words.summary(RULE) == "A door forced open; A door held open; and 1 more"


def test_every_scope_can_be_chosen_once() -> None:
    offered = [scope for subject in subjects_of(ALL_SCOPES) for scope, _ in subject.scopes]
    assert sorted(offered) == sorted(ALL_SCOPES)
    assert all(scope.endswith(".readonly") for scope in reading(ALL_SCOPES))


@pytest.mark.parametrize(
    ("scopes", "said"),
    [
        (ALL_SCOPES, "Everything"),
        (frozenset({"account.person.readonly"}), "Only to see: 1 thing"),
        (frozenset({"account.person.readonly", "account.person"}), "2 things"),
    ],
)
def test_what_a_token_may_do_is_said_in_a_few_words(scopes: frozenset[str], said: str) -> None:
    assert summary(scopes) == said


@pytest.mark.parametrize("card_format", CARD_FORMATS.values(), ids=lambda card_format: card_format.name)
def test_each_bit_of_a_card_is_drawn_once(card_format: CardFormat) -> None:
    drawn = [place for block in blocks_of(card_format) for place in range(block.start, block.start + block.length)]
    assert drawn == list(range(card_format.bits))
    assert words_of(blocks_of(card_format)[0]).startswith("bit")


def test_a_chart_has_a_bar_for_each_day() -> None:
    option = chart_of([DayOfUse("2026-02-28", 4), DayOfUse("2026-03-01", 0)])
    assert option["xAxis"]["data"] == ["28 Feb", "1 Mar"]
    assert option["series"][0]["data"] == [4, 0]
