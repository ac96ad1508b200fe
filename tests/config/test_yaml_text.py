"""YAML with bounds, wherever a person writes some."""

from pathlib import Path

import pytest

from clickthrough.config import yaml_text
from clickthrough.config.load import load_config
from clickthrough.config.yaml_text import YamlTextError, read_yaml, read_yaml_file
from clickthrough.errors import ConfigError
from clickthrough.runs.show import read_run
from clickthrough.serving.settings import Overrides

DEEP = "[" * 100_000
BOMB = "\n".join(
    ["a0: &a0 [lol, lol]", *(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]" for n in range(1, 12))]
)
MERGED = "\n".join(
    ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 30))]
)
HOSTILE = {
    DEEP: "more than 50 levels deep",
    "- " * 100_000: "more than 50 levels deep",
    "{a: " * 100_000: "more than 50 levels deep",
    BOMB: "more than 200,000 values, those behind aliases counted",
    MERGED: "more than 200,000 values, those behind aliases counted",
    "a: &a [*a]": "an anchor stands within itself",
    f"a: {'9' * 100_000}": "a number of 100,000 characters",
    f"a: {':'.join('1' * 5_000)}": "a number of 9,999 characters",
    f"a: 1:{':'.join(['59'] * 300)}.5": "a number of ",
    "# " + "x" * (1 << 22): "more than 4,194,304 bytes",
}
hostile = pytest.mark.parametrize(("text", "said"), HOSTILE.items(), ids=range(len(HOSTILE)))


@hostile
def test_more_than_is_taken_is_a_line(text: str, said: str) -> None:
    with pytest.raises(YamlTextError) as told:
        read_yaml(text)
    assert str(told.value).startswith(said)


@hostile
def test_a_configuration_names_its_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        load_config(path)
    assert str(told.value).startswith(f"{path}: not readable as YAML: {said}")
    assert "\n" not in str(told.value)


def test_a_setting_of_the_command_line_is_not_told_at_length() -> None:
    with pytest.raises(ConfigError) as told:
        load_config("movielens", settings=[f"training.epochs={DEEP}"])
    assert str(told.value).endswith(": not readable as YAML: more than 50 levels deep")
    assert len(str(told.value)) < 200


@hostile
def test_settings_of_the_service_name_their_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "serving.yaml"
    path.write_text(text)
    for given in ({"file": path}, {"environment": {"CTR_CONFIG": str(path)}}):
        with pytest.raises(ConfigError) as told:
            Overrides.read(**given)
        assert str(told.value).startswith(f"{path}: cannot be read as YAML: {said}")


def test_settings_in_flags_and_the_environment_are_refused_in_a_line() -> None:
    for given in ({"flags": [f"max_wait_ms={DEEP}"]}, {"environment": {"CTR_MAX_WAIT_MS": DEEP}}):
        with pytest.raises(ConfigError, match="valid number") as told:
            Overrides.read(**given)
        assert len(str(told.value)) < 300


def test_a_run_that_was_kept_is_refused_in_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "20240101-000000-abcdef"
    folder.mkdir()
    (folder / "metrics.json").write_text(DEEP)
    for text in (BOMB, "model: {name: mlp}"):
        (folder / "config.yaml").write_text(text)
        with pytest.raises(Exception, match="cannot be read") as told:
            read_run(folder)
        assert type(told.value).__name__ == "ClickthroughError"


def test_a_file_without_end_is_read_as_far_as_the_bound(tmp_path: Path) -> None:
    with pytest.raises(YamlTextError, match="more than"):
        read_yaml_file(Path("/dev/zero"))


def test_as_much_as_a_large_configuration_needs_is_taken() -> None:
    values = read_yaml("\n".join(f"column_{n}: [a, b, &x{n} c, *x{n}]" for n in range(10_000)))
    assert len(values) == 10_000
    assert values["column_9"] == ["a", "b", "c", "c"]


def test_what_stands_behind_an_alias_counts_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_MOST", 12)
    assert read_yaml("[&a [1, 2], *a, *a]") == [[1, 2]] * 3  # 1 + 3 + 3 + 3
    with pytest.raises(YamlTextError, match="more than 12 values"):
        read_yaml("[&a [1, 2], *a, *a, *a]")


def test_many_faults_are_told_in_some_lines(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"features: [{'1, ' * 1_000}]")
    with pytest.raises(ConfigError) as told:
        load_config(path)
    assert len(str(told.value).splitlines()) == 21
    assert str(told.value).endswith("and 981 more")
