"""The committed notebook is whole and current, and runs from top to bottom.

Its run is marked ``stack``: it simulates, selects, tunes and trains, which takes minutes.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from clickthrough.data.outbrain.tables import TABLES
from notebooks.execute import EXECUTED, ROOT, TRAINING, digest, executed, read

EXACT = "exact"
"""The tag of cells that show the same wherever they run: counts of the simulated tables."""
PLACES = re.compile(r"(?<![\w.<])/(?:work|tmp|root|home|usr|opt|var|mnt|Users|private)\b")


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return read(TRAINING)


def outputs(notebook: NotebookNode) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def places(notebook: NotebookNode) -> list[str]:
    """Return where outputs name a place of the machine that they were made on."""
    text = json.dumps(outputs(notebook))
    return [*PLACES.findall(text), *re.findall(re.escape(str(ROOT)), text)]


def wrong(notebook: NotebookNode) -> list[Any]:
    """Return errors, and what was written to the channel of errors."""
    made = outputs(notebook)
    return [one for one in made if one.output_type == "error" or one.get("name") == "stderr"]


def exact(notebook: NotebookNode) -> dict[str, Any]:
    cells = [cell for cell in notebook.cells if EXACT in cell.metadata.get("tags", [])]
    return {cell.id: [one.get("data", one.get("text")) for one in cell.outputs] for cell in cells}


def test_what_it_shows_was_made_by_what_it_says(notebook: NotebookNode) -> None:
    assert notebook.metadata[EXECUTED] == digest(notebook), "run: make notebook"
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == [*range(1, len(counts) + 1)]


def test_it_names_no_place_of_a_machine_and_no_error(notebook: NotebookNode) -> None:
    assert len(outputs(notebook)) > 20
    assert places(notebook) == []
    assert wrong(notebook) == []
    for cell in notebook.cells:
        assert not PLACES.search(cell.source)
        assert "execution" not in cell.metadata  # times of a run change without need


@pytest.mark.parametrize("text", ["in /home/me/log", "/usr/x", str(ROOT)])
def test_the_check_sees_a_place(text: str) -> None:
    showing = new_output("stream", text=text)  # type: ignore[no-untyped-call]
    assert places(of_output(showing)) != []


@pytest.mark.parametrize(("kind", "name"), [("error", {}), ("stream", {"name": "stderr"})])
def test_the_check_sees_an_error(kind: str, name: dict[str, str]) -> None:
    showing = new_output(kind, **name)  # type: ignore[no-untyped-call]
    assert wrong(of_output(showing)) != []


def of_output(output: NotebookNode) -> NotebookNode:
    cell = new_code_cell(outputs=[output])  # type: ignore[no-untyped-call]
    made: NotebookNode = new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    return made


def test_every_table_has_its_count_beside_the_published_one(notebook: NotebookNode) -> None:
    (cell,) = (cell for cell in notebook.cells if cell.id == "counts")
    html = cell.outputs[0].data["text/html"]
    rows = dict(re.findall(r'<th scope="row">(\w+)</th><td>([\d,]+)</td>', html))
    assert rows.keys() == {*TABLES, "clicks_test"}
    assert "87,141,731" in html


def test_it_explains_each_step(notebook: NotebookNode) -> None:
    told = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for word in ("simulated", "Leakage", "select", "tune", "train", "truth", "Calibration",
                 "explain=3", "/events", "frozen"):  # fmt: skip
        assert word in told, word


@pytest.mark.stack
def test_it_runs_and_counts_what_is_committed(notebook: NotebookNode) -> None:
    made = executed(notebook)
    assert wrong(made) == []
    assert places(made) == []
    assert len(exact(made)) >= 5
    assert exact(made) == exact(notebook)


@pytest.mark.stack
def test_it_runs_on_real_tables(notebook: NotebookNode, real_logs: Path) -> None:
    """A sample without documents and page views, of less than a tick."""
    made = executed(notebook, real_logs / "outbrain")
    assert wrong(made) == []
    assert outputs(made)[0].text == "the tables are real\n"
    (counted,) = exact(made)["counts"]
    assert "<td>559,583</td><td>559,583</td>" in counted["text/html"]  # what is published is so
