"""Run a notebook from top to bottom and keep what its cells show: make notebook."""

import copy
import hashlib
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
TRAINING = ROOT / "notebooks" / "training.ipynb"
EXECUTED = "executed"
DATA = "CTR_NOTEBOOK_DATA"
"""Names the directory of real tables to the notebook."""
_SECONDS = 900
"""Of the slowest cell, on a machine that has much else to do."""


def read(path: Path) -> NotebookNode:
    """Read a notebook."""
    made: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return made


def sources(notebook: NotebookNode) -> list[str]:
    """Return the text of each code cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def digest(notebook: NotebookNode) -> str:
    """Return what tells whether a code cell was changed."""
    return hashlib.sha256(json.dumps(sources(notebook)).encode()).hexdigest()[:16]


def executed(notebook: NotebookNode, data: Path | None = None) -> NotebookNode:
    """Run a notebook in a place of its own.

    Args:
        notebook: what is run; it stays as it is.
        data: a directory of real tables; by default they are simulated.

    Returns:
        A copy with what its cells show, and the digest of what was run in its metadata.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with TemporaryDirectory() as folder:
        client = NotebookClient(
            made,
            timeout=_SECONDS,
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env=_environment(data))
    made.metadata.language_info = {"name": "python"}  # versions would change without need
    made.metadata[EXECUTED] = digest(made)
    return made


def _environment(data: Path | None) -> dict[str, str]:
    """Return where package and tables lie, and that bars of other libraries are not missed."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONWARNINGS": "ignore:IProgress not found",
        DATA: "" if data is None else str(data.resolve()),
    }


def main(path: Path) -> None:
    """Run a notebook and write it in its place."""
    nbformat.write(executed(read(path)), path)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TRAINING)
