"""axe-core, the accessibility checker, run in a page."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """
async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map((found) => ({
  rule: found.id,
  help: found.help,
  at: found.nodes.slice(0, 5).map((node) => `${node.target.join(" ")}: ${node.failureSummary}`),
}))
"""


@cache
def _script() -> str:
    return _AXE.read_text()


def violations(page: Page) -> list[dict[str, Any]]:
    """What breaks a rule of WCAG or good practice in the page as it is; at most five places of each."""
    # Evaluated, not added as an element: the page's policy forbids that.
    page.evaluate(_script())
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return found
