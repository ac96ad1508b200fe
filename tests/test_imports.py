"""Modules import one another in no circle, so that each may be the first that is imported."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

from tests.conftest import ROOT


def modules() -> dict[str, Path]:
    found = (ROOT / "clickthrough").rglob("*.py")
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in found}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def at_once(body: Sequence[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield what a module imports while it is imported."""
    for statement in body:
        match statement:
            case ast.Import() | ast.ImportFrom():
                yield statement
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from at_once(statement.orelse)
            case ast.If():
                yield from at_once([*statement.body, *statement.orelse])
            case ast.Try():
                handlers = [part for handler in statement.handlers for part in handler.body]
                yield from at_once([*statement.body, *handlers, *statement.orelse])


def needs(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that must be there before a module is, packages of others among them."""
    found: set[str] = set()
    for statement in at_once(ast.parse(path.read_text()).body):
        if isinstance(statement, ast.Import):
            named = [alias.name for alias in statement.names]
        else:
            own = [f"{statement.module}.{alias.name}" for alias in statement.names]
            named = [one if one in known else str(statement.module) for one in own]
        found |= {one for one in named if one in known}
        above = {one[:place] for one in named for place, sign in enumerate(one) if sign == "."}
        found |= {one for one in above & {*known} if not name.startswith(f"{one}.")}
    return found - {name}


def test_no_module_needs_itself_to_be_imported() -> None:
    known = modules()
    graph = {name: needs(name, path, known) for name, path in known.items()}
    assert len(graph) > 400
    assert graph["clickthrough.data.tabular"] > {"clickthrough.data.united", "clickthrough.config"}
    TopologicalSorter(graph).prepare()  # names a circle


def test_what_many_need_is_imported_first() -> None:
    code = "import clickthrough.data.log_files, clickthrough.presets.places"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
