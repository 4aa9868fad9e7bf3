"""docs/reference/en60839.md names the tests that carry its clauses, no more and no fewer."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.support.en60839 import CLAUSES

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reference/en60839.md"


@cache
def marked() -> dict[str, set[str]]:
    """The tests that carry each clause, as their source says."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text()
        if "mark.en60839" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.en60839":
                    for argument in mark.args:
                        assert isinstance(argument, ast.Constant), "clauses are written out"
                        found[str(argument.value)].add(f"{file.relative_to(ROOT)}::{node.name}")
    return found


def on_page() -> dict[str, set[str]]:
    """The tests that the page names of each clause."""
    found: dict[str, set[str]] = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0] in CLAUSES:
            found[cells[0]] = {test.strip("`") for test in cells[2].split("<br>") if test.startswith("`")}
    return found


def test_the_page_names_each_clause_and_the_tests_that_show_it() -> None:
    named, carried = on_page(), marked()
    assert named == {clause: carried.get(clause, set()) for clause in CLAUSES}


def test_every_clause_is_shown_by_a_test_and_the_page_says_that_it_passed() -> None:
    assert not [clause for clause in CLAUSES if not marked().get(clause)]
    assert "failed" not in PAGE.read_text()
    assert "not shown" not in PAGE.read_text()


def test_the_page_promises_no_certificate() -> None:
    assert "Tested against, never certified." in PAGE.read_text()
