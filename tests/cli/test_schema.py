"""The verb that writes the schema, and what ``init`` leaves for editors."""

import json
from pathlib import Path

import polars as pl

from clickthrough.config.json_schema import written
from clickthrough.config.reference import reference
from clickthrough.schema_file import FIRST_LINE, NAME
from tests.cli.process import run
from tests.logs import write_log


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    printed = run("schema", folder=tmp_path)
    assert (printed.returncode, printed.stdout) == (0, written())
    told = run("schema", "--out", NAME, folder=tmp_path).stdout
    assert told.startswith(f"the schema in {NAME}\nnext: # yaml-language-server: $schema={NAME}")
    assert (tmp_path / NAME).read_text() == written()


def test_the_reference_is_written(tmp_path: Path) -> None:
    assert run("schema", "--reference", "settings.md", folder=tmp_path).returncode == 0
    assert (tmp_path / "settings.md").read_text() == reference()


def test_one_thing_is_written_at_a_time(tmp_path: Path) -> None:
    done = run("schema", "--out", NAME, "--reference", "settings.md", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert [*tmp_path.iterdir()] == []


def test_a_place_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = run("schema", "--out", "nowhere/schema.json", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "nowhere/schema.json: cannot be written" in done.stderr


def test_init_leaves_what_editors_know_a_configuration_by(
    tmp_path: Path, log: pl.DataFrame
) -> None:
    write_log(tmp_path / "logs", log)
    folder = tmp_path / "own"
    assert run("init", "logs/log.csv", "--out", "own/config.yaml", folder=tmp_path).returncode == 0
    first = (folder / "config.yaml").read_text().splitlines()[0]
    assert first == FIRST_LINE
    assert (folder / first.partition("$schema=")[2]).read_text() == written()
    assert json.loads(written())["title"]
    (folder / NAME).write_text("of an older version")
    again = run("init", "logs/log.csv", "--out", "own/other.yaml", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (folder / NAME).read_text() == written()
