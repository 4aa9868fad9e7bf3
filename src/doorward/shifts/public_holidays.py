"""The public holidays of countries and of parts of them, from the library `holidays`.

Finding them can take some tenths of a second: outside of transactions, and off the event loop.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from doorward.kit.fields import REQUIRED
from doorward.kit.structured_fields import StructuredFields

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
MOST_YEARS: Final = 10
_LONGEST_NAME: Final = 255
_SMALL_WORDS: Final = re.compile(r"(?<= )(?:And|Of|The)(?= )")


class Country(NamedTuple):
    """A country whose holidays are known, and the parts of it that have some of their own: ISO 3166 codes."""

    code: str
    subdivisions: tuple[str, ...]


class Found(NamedTuple):
    """The public holidays that a body asks for, by day, and what is wrong with the body."""

    days: Mapping[str, str]
    errors: Mapping[str, list[str]]


class _Span(NamedTuple):
    years: list[int]
    first: str
    last: str


def find_public_holidays(body: object) -> Found:
    """Those of a `country`, perhaps of a `subdivision` of it, in some `years` or between the days `from` and `to`."""
    fields = StructuredFields(body)
    country = fields.name("country", required=True)
    subdivision = fields.line("subdivision")
    span = _read_span(fields)
    days = {} if country is None else _public_holidays(fields, country.upper(), subdivision, span)
    return Found(days, fields.errors)


@lru_cache(maxsize=1)
def known_countries() -> tuple[Country, ...]:
    """The countries whose public holidays are known, by code."""
    # Imported here because it is large and seldom needed.
    from holidays import list_supported_countries  # noqa: PLC0415

    found = list_supported_countries(include_aliases=False)
    return tuple(Country(code, tuple(found[code])) for code in sorted(found))


@lru_cache(maxsize=1)
def country_names() -> Mapping[str, str]:
    """What the countries are called, by code."""
    # Imported here because it is large and seldom needed.
    from holidays.registry import COUNTRIES  # noqa: PLC0415

    return {entry[1]: _SMALL_WORDS.sub(_lower, name.replace("_", " ").title()) for name, entry in COUNTRIES.items()}


def _lower(found: re.Match[str]) -> str:
    return found[0].lower()


def _read_years(fields: StructuredFields) -> _Span:
    years = fields.identities("years")
    if years is None and "years" not in fields.errors:
        fields.complain("years", REQUIRED)
    elif years is not None and not (
        1 <= len(years) <= MOST_YEARS and all(FIRST_YEAR <= year <= LAST_YEAR for year in years)
    ):
        fields.complain("years", f"must be 1 to {MOST_YEARS} years between {FIRST_YEAR} and {LAST_YEAR}")
    return _Span(years or [], f"{FIRST_YEAR}", f"{LAST_YEAR + 1}")


def _read_span(fields: StructuredFields) -> _Span:
    first, last = fields.day("from"), fields.day("to")
    if first is None and last is None and not fields.errors.keys() & {"from", "to"}:
        return _read_years(fields)
    if fields.identities("years") is not None:
        fields.complain("years", "must not be given with from and to")
    for name, day in (("from", first), ("to", last)):
        if day is None and name not in fields.errors:
            fields.complain(name, REQUIRED)
    if first is None or last is None:
        return _Span([], "", "")
    years = list(range(date.fromisoformat(first).year, date.fromisoformat(last).year + 1))
    if last < first:  # dates of this form sort as text
        fields.complain("to", "must not be before from")
    elif not (len(years) <= MOST_YEARS and years[0] >= FIRST_YEAR and years[-1] <= LAST_YEAR):
        fields.complain("to", f"must be within {MOST_YEARS} years, between {FIRST_YEAR} and {LAST_YEAR}")
    return _Span(years, first, last)


def _public_holidays(fields: StructuredFields, country: str, subdivision: str | None, span: _Span) -> dict[str, str]:
    """Day and name."""
    # Imported here because it is large and seldom needed.
    from holidays import country_holidays  # noqa: PLC0415

    try:
        known = len(country) == 2 and country_holidays(country) is not None
    except NotImplementedError:
        known = False
    if not known:
        fields.complain("country", "is not a country whose holidays are known, such as GB")
    if not known or fields.errors:
        return {}
    try:
        found = country_holidays(country, subdiv=subdivision, years=span.years)
    except NotImplementedError:
        fields.complain("subdivision", f"is not a part of {country} whose holidays are known")
        return {}
    named = {day.isoformat(): name[:_LONGEST_NAME] for day, name in found.items()}
    return {day: name for day, name in sorted(named.items()) if span.first <= day <= span.last}
