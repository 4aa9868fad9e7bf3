"""notification_rules/wording.py: what rules say of events, whatever is in names."""

import json
from typing import Any

import pytest

from doorward.events.listing import StoredEvent
from doorward.notification_rules.wording import MOST_LISTED, Told, chat_message, message, sentence

AT = 1_772_442_000_000  # 2026-03-02T09:00:00Z


def told(code: int, channel: str | None = "Front door", person: str | None = None, number: int = 1) -> Told:
    """An event in London."""
    event = StoredEvent(number, code, 7, channel, 5, person, None, AT, AT, "[]", None, None, 0)
    return Told(event, "Europe/London", "North")


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        (told(33), "Front door forced open"),
        (told(10, person="Ada Lovelace"), "Ada Lovelace admitted using card at Front door"),
        (told(20), "Unknown card rejected at Front door"),
        (told(63, person="Ada"), "Duress signalled by Ada at Front door"),
        (told(33, channel=None), "A door forced open"),
        (told(220, channel=None), "Directory synchronisation started"),
    ],
)
def test_a_sentence_says_what_happened_and_where(happened: Told, said: str) -> None:
    assert sentence(happened) == said


def test_a_message_about_one_event_has_it_as_its_subject() -> None:
    found = message("Night watch", "Acme", [told(33)])
    assert found.subject == "[Acme] Front door forced open"
    assert found.text == (
        "Front door forced open\n    Mon 2026-03-02 09:00 Europe/London, North\n\n"
        '-- \nYou get this because of the notification rule "Night watch" of Acme.\n'
    )
    assert "<strong>Front door forced open</strong><br>Mon 2026-03-02 09:00 Europe/London, North" in found.html


def test_of_very_many_events_the_first_are_listed_and_the_others_counted() -> None:
    many = [told(33, channel=f"Door {number}") for number in range(MOST_LISTED + 900)]
    found = message("Doors", "Acme", many)
    assert found.subject == "[Acme] 1000 events: Doors"
    for text in (found.text, found.html):
        assert text.count("forced open") == MOST_LISTED
        assert "And 900 more" in text
    chat = chat_message("Doors", many)
    assert "And 980 more." in chat["blocks"][1]["text"]["text"]
    assert len(json.dumps(chat)) < 10_000


def test_a_name_is_no_markup_and_no_mention() -> None:
    evil = told(10, channel="<!channel> & <b>door</b>", person="<https://evil.example|*click*> <img src=x>")
    found = message("<script>alert(1)</script>", "A & B", [evil])
    assert not any(mark in found.html for mark in ("<script", "<img", "<b>", "A & B", "<https"))
    assert "<img src=x> admitted using card at <!channel> & <b>door</b>" in found.text
    chat = chat_message("<!here>", [evil])
    assert "<" not in chat["text"]
    kinds = {block["text"]["type"] for block in chat["blocks"]}
    assert kinds == {"plain_text"}, "which has no markup"


def test_what_a_chat_takes_is_not_exceeded() -> None:
    long: Any = chat_message("R" * 255, [told(10, channel="C" * 255, person="P" * 500) for _ in range(50)])
    header, section = long["blocks"]
    assert len(header["text"]["text"]) == 150
    assert len(section["text"]["text"]) <= 3000
    assert len(long["text"]) <= 3000
