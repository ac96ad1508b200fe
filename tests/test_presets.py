"""The configurations that ship."""

from importlib import resources
from pathlib import Path

import pytest

from clickthrough.config.data import TabularData
from clickthrough.config.load import load_config, preset_names, with_data
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.training.prepare import plan_of


def test_the_presets_of_the_package_are_found() -> None:
    assert {"ebnerd", "synthetic"} <= set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_a_configuration(name: str) -> None:
    config = load_config(name)
    assert Config.model_validate_json(config.model_dump_json()) == config
    assert config.features


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_says_what_it_is_for_in_its_first_line(name: str) -> None:
    file = resources.files("clickthrough.presets") / f"{name}.yaml"
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert len(first) > 20


@pytest.mark.parametrize("name", preset_names())
def test_the_data_of_a_preset_can_lie_elsewhere(name: str, tmp_path: Path) -> None:
    config, preset = load_config(name, data=tmp_path), load_config(name)
    # a directory, or the file in it that the preset names
    names = {"", Path(str(preset.data.path)).name if preset.data.reader == "tabular" else ""}
    assert config.data.path in [tmp_path / name for name in names]
    assert config.features == preset.features


def test_the_side_tables_of_a_preset_lie_beside_its_log(tmp_path: Path) -> None:
    (tmp_path / "log.csv").touch()
    (tmp_path / "ads.csv.gz").touch()
    for data in (tmp_path, tmp_path / "log.csv"):
        config = load_config("synthetic", data=data).data
        assert isinstance(config, TabularData)
        assert config.path == tmp_path / "log.csv"
        assert [join.file for join in config.joins] == [tmp_path / "ads.csv.gz"]


def test_a_bundle_finds_a_log_of_its_layout_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "log.csv").touch()
    (here / "ads.csv").touch()
    config = load_config("synthetic", data=here)
    for data in (there, there / "log.csv"):
        moved = with_data(config, data).data
        assert isinstance(moved, TabularData)
        assert moved.path == there / "log.csv"
        assert [join.file for join in moved.joins] == [here / "ads.csv"]
    (there / "ads.csv").touch()
    moved = with_data(config, there).data
    assert isinstance(moved, TabularData)
    assert [join.file for join in moved.joins] == [there / "ads.csv"]


def test_the_ebnerd_preset_makes_a_plan_of_the_real_log(ebnerd: Path, tmp_path: Path) -> None:
    config = load_config("ebnerd", data=ebnerd)
    moved = config.data.model_copy(update={"cache": tmp_path / "cache"})
    plan = plan_of(config, open_dataset(moved).schema)
    assert {"article_id", "hour"} <= {column.name for column in plan.ids}
    assert {"item_rate", "item_age_rank", "request_size"} <= {c.name for c in plan.numeric}
    assert ("user", "item") in [key_set.fields for key_set in plan.key_sets]
    assert plan.timezone == "Europe/Copenhagen"
