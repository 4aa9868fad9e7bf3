"""The chain of events: its form is for ever."""

from doorward.events import chain
from doorward.events.spans import Spans, spans_of, stored_spans

CONTENT = chain.Content(7, 1, 40, 10, 1_000, 2_000, 3, "Front dóor", 5, None, None, 0)


def test_the_form_of_what_is_digested_never_changes() -> None:
    committed = chain.commitment("00" * 16, "Ada Lovelace", "1234", [("role_grants", 'A "role" admits.')])
    assert committed == "d1c3e093e9194abdb72b62eeb9c6ab2cadb79a508ce620620caa6d9271703fe5"
    assert (
        chain.link(chain.START, CONTENT, committed)
        == "669594916236be846d5f5594ba6d2112519ed46b8b966ecf8b300b10e7ae87ef"
    )


def test_another_tool_can_make_the_same_chain() -> None:
    import hashlib
    import json

    def digest(before: str, said: object) -> str:
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()

    awkward = "".join(map(chr, (*range(1, 0x30), 0x5C, 0x7F, 0x85, 0x2028, 0x1F600)))
    committed = digest("ab", [awkward, None, [["code", awkward]]])
    assert chain.commitment("ab", awkward, None, [("code", awkward)]) == committed
    content = CONTENT._replace(channel_name=awkward)
    assert chain.link("before", content, committed) == digest("before", [1, *content, committed])


def test_every_part_of_an_event_changes_the_chain() -> None:
    whole = chain.link(chain.START, CONTENT, "c")
    changed = [chain.Content(**{**CONTENT._asdict(), name: 99}) for name in CONTENT._fields]
    assert len({whole, *(chain.link(chain.START, each, "c") for each in changed)}) == len(changed) + 1
    assert chain.link("0", CONTENT, "c") != whole != chain.link(chain.START, CONTENT, "d")


def test_salts_are_of_128_bits_and_none_is_as_another() -> None:
    salts = chain.new_salts(100)
    assert len(set(salts)) == 100
    assert {len(bytes.fromhex(salt)) for salt in salts} == {16}


def test_positions_are_looked_up_in_stretches() -> None:
    positions = [1, 2, 3, 7, 9, 10]
    spans = spans_of(positions)
    assert stored_spans(spans) == "[[1,3],[7,7],[9,10]]"
    assert [position for position in range(13) if position in Spans(spans)] == positions
