"""Lists that page, with their filters in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request

from doorward.kit.pages import Page
from doorward.wire.queries import page_of

SIZE: Final = 50
LARGEST: Final = 200


def asked_page(request: Request[Any, Any, Any], size: int = SIZE) -> Page:
    """The part of a list that the address asks for: `page`, `per_page`. Raises BadRequest."""
    found = page_of(request.query_params, default=size, largest=LARGEST)
    return Page(found.number, found.size)


@dataclass(frozen=True, slots=True)
class Paging:
    """Where one is in a list: for the template, which shows `first` to `last` of `total` and links to the others."""

    page: Page
    total: int
    path: str
    others: tuple[tuple[str, str], ...]
    """What else is in the address: the filters."""

    @property
    def first(self) -> int:
        """The number of the first row shown, from 1; 0 where there is none."""
        return min(self.page.offset + 1, self.total)

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return min(self.page.offset + self.page.size, self.total)

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.page.size))

    def address(self, number: int) -> str:
        """The address of another page of the same list."""
        return f"{self.path}?{urlencode([*self.others, ('page', number)])}"


def paging_of(request: Request[Any, Any, Any], page: Page, total: int) -> Paging:
    """Where the page stands in the list that was asked for."""
    others = tuple((name, value) for name, value in request.query_params.multi_items() if name != "page")
    return Paging(page, total, request.url.path, others)


def with_filters(path: str, filters: Mapping[str, object]) -> str:
    """The address of a list with some filters; None and "" are left out."""
    given = [(name, value) for name, value in filters.items() if value not in (None, "")]
    return f"{path}?{urlencode(given)}" if given else path
