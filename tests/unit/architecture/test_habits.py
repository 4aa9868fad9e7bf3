"""Habits that no linter knows."""

import ast
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src/doorward"


@cache
def nodes(file: Path) -> list[ast.AST]:
    """Everything in a file's source."""
    return list(ast.walk(ast.parse(file.read_text())))


def calls(folder: str, *, but: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """(file, called name) of every call by attribute below a folder."""
    found: list[tuple[str, str]] = []
    for file in (SOURCE / folder).rglob("*.py"):
        name = str(file.relative_to(SOURCE))
        if name.startswith(but):
            continue
        found.extend(
            (name, node.func.attr)
            for node in nodes(file)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        )
    return found


def test_nothing_commits_but_the_database() -> None:
    assert [entry for entry in calls(".", but=("db/",)) if entry[1] in ("commit", "rollback")] == []


def test_the_engine_asks_no_clock() -> None:
    names = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}
    assert [entry for entry in calls("decision") if entry[1] in names] == []


def test_nothing_reads_the_time_but_the_clock() -> None:
    names = {"utcnow", "today", "time_ns"}
    assert {entry[0] for entry in calls(".") if entry[1] in names} == {"kit/clock.py"}


def test_only_entry_points_read_the_environment() -> None:
    readers = [
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if "environ" in {node.attr for node in nodes(file) if isinstance(node, ast.Attribute)}
    ]
    assert readers == ["settings.py"]


def test_every_resource_has_its_tables_in_a_file_of_that_name() -> None:
    import doorward.schema
    from doorward.db.metadata import metadata

    assert doorward.schema.metadata is metadata
    declared = {
        target.id if isinstance(target, ast.Name) else ""
        for file in SOURCE.glob("*/tables.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }
    assert set(metadata.tables) <= declared
