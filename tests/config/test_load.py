from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from clickthrough.config import Config, load_config
from clickthrough.config.base import format_duration, parse_duration
from clickthrough.config.data import TabularData
from clickthrough.config.features import Counter
from clickthrough.config.load import parse_config, preset_names, with_data
from clickthrough.config.model import DeepFm, Lr, Mlp, WideDeep, family_names
from clickthrough.errors import ConfigError


def minimal() -> dict[str, Any]:
    return {
        "data": {"reader": "tabular", "path": "log.csv", "roles": {"label": "click"}},
        "features": [{"kind": "request_size"}],
    }


def changed(**sections: Any) -> dict[str, Any]:  # noqa: ANN401
    values = minimal()
    for name, section in sections.items():
        old = values.get(name)
        values[name] = old | section if isinstance(old, dict) else section
    return values


def check(**sections: Any) -> Config:  # noqa: ANN401
    return parse_config(changed(**sections), "test")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(**sections: Any) -> Path:  # noqa: ANN401
        folder = tmp_path / "configs"
        folder.mkdir(exist_ok=True)
        path = folder / "config.yaml"
        path.write_text(yaml.safe_dump(changed(**sections)), encoding="utf-8")
        return path

    return written


def tabular(config: Config) -> TabularData:
    assert isinstance(config.data, TabularData)
    return config.data


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_and_declares_features(name: str) -> None:
    config = load_config(name)
    assert config.features
    assert load_config(name) == config


def test_the_presets_are_those_that_ship() -> None:
    assert "ebnerd" in preset_names()


def test_a_preset_may_be_given_another_log(tmp_path: Path) -> None:
    config = load_config("ebnerd", tmp_path / "elsewhere")
    assert config.data.model_dump()["path"] == tmp_path / "elsewhere"


def test_defaults_fill_what_is_not_said() -> None:
    config = check()
    assert (config.counters.tick, config.counters.label_delay) == (600, 0)
    assert config.data.timezone == "UTC"
    assert isinstance(config.model, Mlp)
    assert config.model.embedding_dim == 16


UNKNOWN: list[tuple[dict[str, Any], str, str]] = [
    ({"feature": []}, "feature", "features"),
    ({"counters": {"smothing": 3}}, "smothing", "smoothing"),
    ({"training": {"epoch": 3}}, "epoch", "epochs"),
    ({"model": {"hiden": [8]}}, "hiden", "hidden"),
    ({"serving": {"max_inflight": 8}}, "max_inflight", "max_in_flight"),
    ({"data": {"seperator": ";"}}, "seperator", "separator"),
    ({"data": {"roles": {"label": "y", "itm": "ad"}}}, "itm", "item"),
    (
        {"features": [{"kind": "counter", "key": "a", "half_live": ["1h"]}]},
        "half_live",
        "half_lives",
    ),
]


@pytest.mark.parametrize(("sections", "found", "nearest"), UNKNOWN)
def test_an_unknown_key_is_refused_and_the_nearest_known_one_named(
    sections: dict[str, Any], found: str, nearest: str
) -> None:
    with pytest.raises(ConfigError, match=f"unknown key '{found}'; did you mean '{nearest}'"):
        check(**sections)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"features": []}, "features"),
    ({"features": [{"kind": "countr", "key": "a"}]}, "features.0"),
    ({"features": [{"key": "a"}]}, "features.0"),
    ({"features": [{"kind": "numeric", "fields": []}]}, "features.0.numeric.fields"),
    ({"features": [{"kind": "numeric", "fields": "a", "transform": "sqrt"}]}, "transform"),
    ({"features": [{"kind": "time", "parts": ["month"]}]}, "features.0.time.parts.0"),
    ({"features": [{"kind": "categorical", "fields": "a", "min_count": 0}]}, "min_count"),
    ({"features": [{"kind": "counter", "key": "a", "all_time": False}]}, "half_lives"),
    ({"features": [{"kind": "counter", "key": "a", "half_lives": ["0s"]}]}, "half-life"),
    ({"features": [{"kind": "counter", "key": "a", "half_lives": "1h"}]}, "half_lives"),
    ({"counters": {"tick": "0s"}}, "tick"),
    ({"counters": {"tick": "10m", "label_delay": "15m"}}, "label_delay"),
    ({"counters": {"smoothing": 0}}, "counters.smoothing"),
    ({"counters": {"smoothing": "many"}}, "counters.smoothing"),
    ({"model": {"hidden": []}}, "model.hidden"),
    ({"model": {"dropout": 1.0}}, "model.dropout"),
    ({"training": {"epochs": 2.5}}, "training.epochs"),
    ({"training": {"monitor": "accuracy"}}, "training.monitor"),
    ({"data": {"reader": "excel"}}, "data"),
    ({"data": {"roles": {}}}, "data.tabular.roles.label"),
    ({"data": {"timezone": "Europe/Kopenhagen"}}, "Europe/Kopenhagen"),
    ({"data": {"time": {"unit": "minutes"}}}, "data.tabular.time.unit"),
    ({"data": {"split": {"validation": 20}}}, "data.tabular.split.validation"),
    ({"data": {"split": {"validation": 0}}}, "data.tabular.split.validation"),
    ({"data": {"split": {"test": "soon"}}}, "data.tabular.split.test"),
]


@pytest.mark.parametrize(("sections", "place"), WRONG)
def test_a_wrong_value_is_refused_with_its_place(sections: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check(**sections)
    message = str(raised.value)
    assert message.startswith("test: ")
    assert place in message


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        check(training={"epochs": 0}, model={"dropout": 2}, counters={"tick": "soon"})
    for place in ("training.epochs", "model.dropout", "counters.tick"):
        assert place in str(raised.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("6h", 21_600), ("7d", 604_800), (30, 30), (" 5 m ", 300), (0, 0)],
)
def test_a_duration_is_a_number_and_a_unit(text: object, seconds: int) -> None:
    assert parse_duration(text) == seconds
    assert check(serving={"attribution_window": text}).serving.attribution_window == seconds


@pytest.mark.parametrize("value", ["10", "10 minutes", "1.5h", "-5m", -5, 1.5, True, None, "", "h"])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="expected a duration such as"):
        check(counters={"tick": value})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3_600, "1h"),
        (86_400, "1d"),
        (90_000, "25h"),
        (61, "61s"),
    ],
)
def test_a_duration_is_written_in_the_largest_unit_that_divides_it(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds


def test_a_configuration_written_as_json_reads_as_itself() -> None:
    config = check(
        features=[{"kind": "counter", "key": "a", "half_lives": ["90m", "1d"]}],
        data={"split": {"validation": "2023-05-23T07:00:00Z", "test": None}, "joins": []},
    )
    assert Config.model_validate_json(config.model_dump_json()) == config
    (feature,) = config.features
    assert isinstance(feature, Counter)
    assert feature.half_lives == [5_400, 86_400]


def test_a_name_alone_stands_for_a_list_of_one() -> None:
    config = check(features=[{"kind": "numeric", "fields": "a"}])
    assert config == check(features=[{"kind": "numeric", "fields": ["a"]}])


def test_both_a_path_and_files_are_refused_and_so_is_neither() -> None:
    files = {"train": "a.csv", "validation": "b.csv"}
    with pytest.raises(ConfigError, match="either 'path'"):
        check(data={"files": files})
    with pytest.raises(ConfigError, match="either 'path'"):
        check(data={"path": None})
    assert tabular(check(data={"path": None, "files": files})).files is not None


def test_paths_in_a_file_are_relative_to_the_file(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absolute = tmp_path / "there" / "users.csv"
    path = write(
        data={
            "path": "../logs/log.csv",
            "cache": "cache",
            "joins": [{"file": "ads.csv", "on": "ad"}, {"file": str(absolute), "on": ["user"]}],
        }
    )
    monkeypatch.chdir(tmp_path)
    data = tabular(load_config(path.relative_to(tmp_path)))
    folder = path.parent
    (log,) = data.paths
    assert log.resolve() == tmp_path / "logs" / "log.csv"
    assert log.is_absolute()
    assert data.cache == folder / "cache"
    assert [join.file for join in data.joins] == [folder / "ads.csv", absolute]


def test_files_of_a_divided_log_are_relative_to_the_configuration(
    write: Callable[..., Path],
) -> None:
    files = {"train": ["a.csv", "b.csv"], "validation": "c.csv"}
    path = write(data={"path": None, "files": files})
    found = tabular(load_config(path)).files
    assert found is not None
    assert found.train == [path.parent / "a.csv", path.parent / "b.csv"]
    assert found.validation == [path.parent / "c.csv"]


def test_another_log_leaves_the_other_paths_relative_to_the_file(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(data={"cache": "cache", "joins": [{"file": "ads.csv", "on": "ad"}]})
    monkeypatch.chdir(tmp_path)
    data = tabular(load_config(path, Path("other.csv")))
    assert data.path == tmp_path / "other.csv"
    assert data.cache == path.parent / "cache"
    assert data.joins[0].file == path.parent / "ads.csv"


def test_a_moment_without_an_offset_is_in_utc_and_may_stand_beside_one_with(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "data:\n"
        "  reader: tabular\n"
        "  path: log.csv\n"
        "  roles: {label: click}\n"
        "  split: {validation: 2023-05-23T09:00:00+02:00, test: 2023-05-24}\n"
        "features: [{kind: request_size}]\n"
    )
    split = load_config(path).data.split
    assert split.validation == datetime(2023, 5, 23, 7, tzinfo=UTC)
    assert split.test == datetime(2023, 5, 24, tzinfo=UTC)


def test_validation_must_start_before_test() -> None:
    with pytest.raises(ConfigError, match="not before test"):
        check(data={"split": {"validation": "2023-05-24T07:00Z", "test": "2023-05-24T09:00+02:00"}})


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file"):
        load_config("nowhere.yaml")


def test_a_mistyped_preset_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown preset 'ebnard'; did you mean 'ebnerd'"):
        load_config("ebnard")


@pytest.mark.parametrize("text", ["data: [", "- a\n- b", "just words", "", "\x00"])
def test_a_file_that_holds_no_sections_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        load_config(path)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        load_config(path)


def test_a_yaml_file_cannot_make_objects(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("data: !!python/object/apply:os.getcwd []\nfeatures: []\n")
    with pytest.raises(ConfigError):
        load_config(path)


def test_a_checked_configuration_cannot_be_changed() -> None:
    config = check()
    with pytest.raises(ValueError, match="frozen"):
        config.counters.tick = 5  # type: ignore[misc]


def test_a_setting_replaces_the_files(tmp_path: Path) -> None:
    settings = ["training.epochs=3", "data.split.test=2016-06-25T04:00:00Z", "model.hidden=[8, 4]"]
    config = load_config("outbrain", tmp_path, settings)
    assert isinstance(config.model, WideDeep)
    assert (config.training.epochs, config.model.hidden) == (3, [8, 4])
    assert config.data.split.test == datetime(2016, 6, 25, 4, tzinfo=UTC)
    assert config.training.batch_size == load_config("outbrain", tmp_path).training.batch_size


@pytest.mark.parametrize("preset", ["outbrain", "ebnerd", "original"])
def test_another_family_leaves_out_what_it_lacks_of_the_files(preset: str) -> None:
    for name in family_names():
        config = load_config(preset, settings=[f"model.name={name}", "training.epochs=2"])
        assert config.model.name == name
    lr = load_config(preset, settings=["model.name=lr", "model.members=2"]).model
    assert isinstance(lr, Lr)
    assert lr.members == 2
    given = load_config(preset).model
    assert isinstance(given, Mlp | WideDeep)
    deepfm = load_config(preset, settings=["model.name=deepfm"]).model
    assert isinstance(deepfm, DeepFm)
    assert deepfm.hidden == given.hidden
    with pytest.raises(
        ConfigError, match=r"--set model\.hidden: model.*unknown key 'hidden'|unknown"
    ):
        load_config(preset, settings=["model.name=lr", "model.hidden=[3]"])


def test_a_path_that_is_searched_keeps_its_dots() -> None:
    searched = "tune.space.model.mlp.dropout={low: 0.0, high: 0.3}"
    (key,) = load_config("outbrain", settings=[searched]).tune.space
    assert key == "model.mlp.dropout"


def test_a_value_of_the_command_line_is_not_blamed_on_the_file() -> None:
    with pytest.raises(ConfigError) as refused:
        load_config("outbrain", settings=["training.epochs=0", "model.dropout=0.3"])
    assert str(refused.value).startswith("--set training.epochs: training.epochs: ")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("training.epochs", "--set training.epochs: expected section.key=value"),
        ("training.epochs.x=1", "--set training.epochs.x=1: 'epochs' holds no keys"),
        ("model.hidden=[8", "--set model.hidden=[8: not readable as YAML"),
        ("training.epoch=1", "did you mean 'epochs'"),
        ("training.epochs=many", "training.epochs"),
        ("training.epochs=9999-99-99", "not readable as YAML: month must be in"),
        ('training.epochs=!!int "x"', "--set training.epochs=!!int"),
        ('training.epochs=!!bool "x"', "--set training.epochs=!!bool"),
        (f"training.epochs={'9' * 5_000}", "not readable as YAML"),
        (f"training.epochs={'[' * 100_000}", "not readable as YAML"),
        ("training.seed=-5", "training.seed: Input should be greater than or equal to 0"),
        ("training.seed=99999999999999999999", "training.seed: Input should be less than"),
        ("training.threads=100000", "training.threads: Input should be less than"),
        ("training.learning_rate=.inf", "training.learning_rate: Input should be a finite number"),
        ("training.weight_decay=.nan", "training.weight_decay: Input should be a finite number"),
        ("model.members=1000000", "model.members: Input should be less than"),
        ("model.embedding_dim=1000000000", "model.embedding_dim"),
        ("model.hidden=[1000000000]", "model.hidden.0: Input should be less than"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(setting: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config("outbrain", settings=[setting])
    assert says in str(refused.value)


def test_a_scalar_that_is_not_what_it_says_is_refused_by_the_files_name(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("evaluation: {seed: 2020-13-45}\n")
    with pytest.raises(ConfigError, match=r"config\.yaml: not readable as YAML: month must be in"):
        load_config(path)


def test_several_files_are_one_log_and_relative_to_the_configuration(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(data={"path": ["a.csv", "b.csv"]})
    data = tabular(load_config(path))
    assert data.path == data.paths == [path.parent / "a.csv", path.parent / "b.csv"]
    monkeypatch.chdir(tmp_path)
    moved = load_config(path, [Path("c.csv"), Path("d.csv")])
    assert tabular(moved).paths == [tmp_path / "c.csv", tmp_path / "d.csv"]
    assert Config.model_validate_json(moved.model_dump_json()) == moved
    assert tabular(with_data(moved, path)).path == path
    assert tabular(with_data(moved, [path, tmp_path / "e.csv"])).paths[1] == tmp_path / "e.csv"


def test_the_log_of_a_bundle_of_several_files_may_lie_in_another_directory(tmp_path: Path) -> None:
    config = check(data={"path": [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]})
    there = tmp_path / "there"
    there.mkdir()
    for name in ("a.csv", "b.csv.gz", "c.csv"):
        (there / name).touch()
    found = tabular(with_data(config, there)).paths
    assert found == [there / "a.csv", there / "b.csv.gz"]


@pytest.mark.parametrize("path", ["log.csv", ["log.csv"], Path("log.csv")])
def test_one_place_is_one(path: object) -> None:
    data = tabular(check(data={"path": path}))
    assert data.path == Path("log.csv")
    assert data.paths == [Path("log.csv")]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (["a.csv", "b.csv", "a.csv"], r"^test: data.tabular.path: named twice, .*: a.csv \(found"),
        ([], r"^test: data.tabular.path: expected a path, or a list of paths \(found \[\]\)$"),
        ([1], r"^test: data.tabular.path: expected a path, or a list of paths"),
        ({"a": 1}, r"^test: data.tabular.path: expected a path, or a list of paths"),
    ],
)
def test_places_that_are_none_are_one_line(path: object, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check(data={"path": path})


def test_the_tables_of_outbrain_lie_in_one_directory(tmp_path: Path) -> None:
    says = "data.outbrain.path: expected one directory, which holds all tables, found 2"
    with pytest.raises(ConfigError, match=says):
        load_config("outbrain", [tmp_path / "a", tmp_path / "b"])
    config = load_config("outbrain", tmp_path)
    assert config.data.paths == [tmp_path]
    with pytest.raises(ConfigError, match=f"^data: path: {says.partition(': ')[2]}"):
        with_data(config, [tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize("name", ["log.csv", "log.parquet", "log.tsv.gz", "folder"])
def test_a_log_in_the_place_of_a_configuration_is_told_from_one(name: str, tmp_path: Path) -> None:
    log = tmp_path / name
    if name == "folder":
        log.mkdir()
    else:
        log.write_bytes(b"\x1f\x8bclick,slot\n")
    with pytest.raises(ConfigError, match=rf"is a log, .*'clickthrough init .*{name}' writes one"):
        load_config(log)
