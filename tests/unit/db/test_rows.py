"""db/rows.py: a row comes back from its columns as it was put in."""

from typing import NamedTuple

from sqlalchemy import Column, Integer, MetaData, Table, Text

from doorward.db.rows import Rows


class Span(NamedTuple):
    days: tuple[str, ...]
    start: str


class Thing(NamedTuple):
    id: int
    name: str
    on: bool
    words: tuple[str, ...]
    spans: tuple[Span, ...]
    maybe: int | None
    elsewhere: tuple[int, ...] = ()


columns = [Column(name, Text) for name in ("name", "words", "spans")]
numbers = [Column(name, Integer) for name in ("on", "maybe")]
things = Table("things", MetaData(), Column("id", Integer, primary_key=True), *columns, *numbers)


def test_flags_lists_and_objects_survive_the_way_through_integers_and_text() -> None:
    rows = Rows(things, Thing)
    thing = Thing(7, "Tür", True, ("ä", "b"), (Span(("mon", "tue"), "07:00"),), None)
    params = rows.params(thing)
    assert params["on"] == 1
    assert type(params["on"]) is int
    assert params["words"] == '["ä", "b"]'
    assert params["spans"] == '[{"days": ["mon", "tue"], "start": "07:00"}]'
    assert rows.of(*(params[column.name] for column in rows.columns)) == thing


def test_a_field_without_a_column_is_left_to_its_default() -> None:
    assert [column.name for column in Rows(things, Thing).columns] == ["id", "name", "on", "words", "spans", "maybe"]
