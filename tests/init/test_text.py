"""The text of a configuration says what it means, whatever columns are called."""

from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.config.load import load_config
from clickthrough.init.layouts import preset_text
from clickthrough.init.quoting import scalar
from clickthrough.init.run import init

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(texts | st.lists(texts, max_size=3))
def test_a_scalar_reads_as_itself(value: object) -> None:
    assert yaml.safe_load(f"a: {scalar(value)}") == {"a": value}
    assert yaml.safe_load(f"{{b: {scalar(value)}, c: 1}}") == {"b": value, "c": 1}


@pytest.mark.parametrize(
    "word", ["yes", "no", "on", "off", "true", "false", "null", "y", "n", "nan"]
)
def test_a_word_that_yaml_may_read_as_another_value_reads_as_itself(word: str) -> None:
    for value in (word, word.upper(), word.title()):
        assert yaml.safe_load(f"a: {scalar(value)}") == {"a": value}


@pytest.mark.parametrize(
    "name", ["a: b", "x # y", "- z", "true", "søster", "{q}", "two words", "ctr,%"]
)
def test_a_column_of_any_name_trains_as_one(name: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"clicked": [0, 1] * 50, name: ["u", "v", "w", "u"] * 25, "const": "x"})
    frame.write_csv(tmp_path / "log.csv")
    init(tmp_path / "log.csv", tmp_path / "config.yaml")
    config = load_config(tmp_path / "config.yaml")
    (feature,) = config.features
    assert feature.model_dump()["fields"] == [name]
    assert config.data.model_dump()["drop"] == ["const"]


def test_a_line_of_a_file_name_cannot_leave_its_comment(tmp_path: Path) -> None:
    path = tmp_path / "log\nfeatures: [].csv"
    pl.DataFrame({"clicked": [0, 1] * 50, "place": ["u", "v", "w", "u"] * 25}).write_csv(path)
    init(path, tmp_path / "config.yaml")
    config = load_config(tmp_path / "config.yaml")
    assert config.data.model_dump()["path"] == path
    assert len(config.features) == 1


@pytest.mark.parametrize("folder", ["data", "odd: name #1"])
def test_a_preset_gets_the_paths_of_the_log_and_of_what_lies_beside_it(
    folder: str, tmp_path: Path
) -> None:
    data = tmp_path / folder
    data.mkdir()
    (data / "ratings.csv").touch()
    (data / "movies.csv.gz").touch()
    for given_path in (data, data / "ratings.csv"):
        (tmp_path / "c.yaml").write_text(preset_text("movielens", given_path, tmp_path))
        written = load_config(tmp_path / "c.yaml")
        preset = load_config("movielens", data=data)
        assert written.data.model_dump(exclude={"cache"}) == preset.data.model_dump(
            exclude={"cache"}
        )
        assert written.features == preset.features
