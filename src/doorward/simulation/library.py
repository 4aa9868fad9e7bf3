"""The scenarios that ship with the product, and those that somebody has written."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from doorward.simulation.reading import BadScenario, read_scenario
from doorward.simulation.scenario import Scenario

_SUFFIX: Final = ".toml"


def shipped() -> list[Scenario]:
    """The scenarios of the package, by name."""
    found = [file for file in _folder().iterdir() if file.name.endswith(_SUFFIX)]
    return [_read(file, file.name.removesuffix(_SUFFIX)) for file in sorted(found, key=lambda file: file.name)]


def find_scenario(name: str) -> Scenario:
    """One of the package by its name, or a file by its path. Raises BadScenario."""
    if "/" not in name and not name.endswith(_SUFFIX):
        file = _folder() / f"{name}{_SUFFIX}"
        if file.is_file():
            return _read(file, name)
        known = ", ".join(scenario.name for scenario in shipped())
        raise BadScenario(f'there is no scenario "{name}"; there are {known}, or give the path of a file')
    path = Path(name)
    if not path.is_file():
        raise BadScenario(f"there is no file {name}")
    return _read(path, path.name)


def _folder() -> Traversable:
    return files("doorward.simulation") / "scenarios"


def _read(file: Traversable, name: str) -> Scenario:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadScenario(f"{name}: {error}") from None
    return read_scenario(name, text)
