"""A notebook is run in a place of its own, and what its cells show is kept."""

from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks.execute import EXECUTED, digest, executed, main, read


def notebook(*codes: str) -> NotebookNode:
    cells = [new_markdown_cell("# told"), *map(new_code_cell, codes)]  # type: ignore[no-untyped-call]
    made: NotebookNode = new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    return made


def test_cells_run_in_order_and_are_written_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "small.ipynb"
    given = notebook("import clickthrough\nkept = 6", "print(kept * 7)")
    nbformat.write(given, path)  # type: ignore[no-untyped-call]
    main(path)
    made = read(path)
    assert [cell.get("execution_count") for cell in made.cells] == [None, 1, 2]
    assert made.cells[2].outputs[0].text == "42\n"
    assert made.metadata[EXECUTED] == digest(given)
    assert made.metadata.language_info == {"name": "python"}


def test_it_leaves_nothing_where_it_is_called() -> None:
    given = notebook("from pathlib import Path\nPath('left').touch()")
    executed(given)
    assert not Path("left").exists()
    assert given.cells[1].outputs == []  # a copy was run


def test_a_cell_that_fails_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "failing.ipynb"
    nbformat.write(notebook("1 / 0"), path)  # type: ignore[no-untyped-call]
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        main(path)
    assert path.read_bytes() == before


def test_a_changed_cell_changes_the_digest() -> None:
    assert digest(notebook("a")) == digest(notebook("a"))
    assert len({digest(notebook(*own)) for own in (("a",), ("b",), ("a", "b"), ())}) == 4
