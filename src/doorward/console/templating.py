"""Templates of the console: each subject's own, in its folder's templates/, as "subject/name.html"."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from doorward.console import moments
from doorward.console.assets import asset, icon
from doorward.kit.timestamps import format_instant

_HERE: Final = Path(__file__).parent


@cache
def environment() -> Environment:
    """What all templates share."""
    subjects = {path.parent.name: FileSystemLoader(path) for path in sorted(_HERE.glob("*/templates"))}
    found = Environment(
        loader=ChoiceLoader([FileSystemLoader(_HERE / "templates"), PrefixLoader(subjects)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(asset=asset, icon=icon, counted=moments.counted)
    found.filters.update(
        moment=moments.moment,
        near=moments.near,
        exactly=moments.exactly,
        ago=moments.ago,
        span=moments.span,
        clock_time=moments.clock_time,
        zone_words=moments.zone_words,
        day_words=moments.day_words,
        for_input=moments.for_input,
        utc=format_instant,
    )
    return found


def render_text(template: str, **values: Any) -> str:
    """The HTML of a template; a value that it lacks is an error."""
    return environment().get_template(template).render(**values)
