"""A selection from the log to a configuration that trains."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from clickthrough.cli import app
from clickthrough.config.load import load_config, parse_config
from clickthrough.config.root import Config
from clickthrough.errors import ConfigError, DataError
from clickthrough.selection import Choice, select
from clickthrough.training.run import train
from tests.logs import make_log, make_values, write_log

NOISE = 12


def values_with_noise(folder: Path, shuffled: bool = False) -> dict[str, Any]:
    """A log in which ad, platform and price tell, beside noise of every kind."""
    log, rng = make_log(seed=3, requests=3_000), np.random.default_rng(5)
    rows = log.height
    planted: dict[str, Any] = {f"noise_{n}": rng.normal(size=rows) for n in range(NOISE)}
    planted |= {"copy": rng.permutation(log["price"].to_numpy()), "cost": log["price"] * 2 + 1}
    planted |= {"noise_id": rng.integers(0, 10**6, rows), "noise_key": rng.integers(0, 50, rows)}
    log = log.with_columns(**{name: pl.Series(own) for name, own in planted.items()})
    if shuffled:
        log = log.with_columns(pl.col("clicked").shuffle(seed=1))
    write_log(folder, log)
    values = make_values(folder)
    numbers = [name for name in planted if name.startswith("noise_") and name[6:].isdigit()]
    values["features"] += [
        {"kind": "numeric", "fields": [*numbers, "copy", "cost"], "relative": ["rank"]},
        {"kind": "categorical", "fields": ["noise_id", "noise_key"], "min_count": 1},
        {"kind": "counter", "key": "noise_key", "relative": ["rank", "difference"]},
    ]
    return values


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return parse_config(values_with_noise(tmp_path_factory.mktemp("noisy")), "test")


def test_noise_goes_what_tells_stays_and_what_stays_trains(noisy: Config, tmp_path: Path) -> None:
    made = select(noisy, tmp_path / "out", Choice(keep=["categorical(advertiser)"]))
    kept = set(made.kept)
    planted = {name for name in kept if "noise" in name or "copy" in name}
    assert not planted, {one.name: one for one in made.decisions if one.name in planted}
    assert "categorical(advertiser)" in kept
    assert "request_size" in kept
    # a price and its double say the same: one of them stays
    assert len(kept & {"numeric(price)", "numeric(cost)"}) == 1
    assert kept & {"counter(item)", "categorical(item)"}
    assert made.curve.retained > 0.998
    assert made.reads[1] < made.reads[0]
    assert made.columns[1] < made.columns[0]

    written = load_config(tmp_path / "out" / "selected.yaml")
    assert written.declared == made.config.declared
    names = (tmp_path / "out" / "selected.yaml").read_text()
    assert "# numeric(noise_3): " in names.replace("#   ", "# ")
    told = json.loads((tmp_path / "out" / "selection.json").read_text())
    assert set(told["kept"]) == kept
    table = pl.read_csv(tmp_path / "out" / "importances.csv")
    assert set(table["feature"]) == {one.name for one in made.decisions}
    assert table["worth"].to_list() == sorted(table["worth"].to_list(), reverse=True)
    for picture in ("importances.svg", "curve.svg"):
        assert "counter(item)" in (tmp_path / "out" / picture).read_text() or picture[0] == "c"
    run = train(written, tmp_path / "models", baselines=False)
    assert run.metrics["test"]["results"]


def test_a_log_is_found_wherever_the_configuration_is_written(
    noisy: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = noisy.data.path
    assert isinstance(path, Path)
    monkeypatch.chdir(path.parent)
    near = noisy.model_copy(
        update={"data": noisy.data.model_copy(update={"path": Path(path.name)})}
    )
    made = select(near, tmp_path / "out", Choice(keep=["counter(item)"], rounds=5))
    assert made.kept
    assert load_config(tmp_path / "out" / "selected.yaml").data.path == path


def test_of_shuffled_clicks_only_what_always_stays_is_left(tmp_path: Path) -> None:
    config = parse_config(values_with_noise(tmp_path, shuffled=True), "test")
    made = select(config, None, Choice(keep=["numeric(price)"]))
    assert set(made.kept) == {"numeric(price)", "request_size"}
    with pytest.raises(ConfigError, match="no feature rises above noise"):
        select(config, None, Choice(deny=["request_size"]))


def test_the_fewest_features_that_keep_enough_stay(noisy: Config) -> None:
    made = select(noisy, None, Choice(retain=0.9, rounds=30))
    whole, kept = made.curve.whole, made.curve.kept
    assert made.curve.retained >= 0.9
    assert kept.request_auc - 0.5 >= 0.9 * (whole.request_auc - 0.5)
    assert "request_size" in made.kept
    left = [one for one in made.decisions if "not needed for 0.9" in one.why]
    assert left
    smaller = [point for point in made.curve.points if point.features < kept.features]
    assert all(point.auc < kept.auc for point in smaller)


@pytest.mark.slow
def test_generated_candidates_are_counters_pairs_and_standings(noisy: Config) -> None:
    denied = "counter(platform)"
    made = select(noisy, None, Choice(generate=True, most=260, rounds=10, deny=[denied]))
    assert next(one.why for one in made.decisions if one.name == denied) == "never stays: --deny"
    names = {one.name for one in made.decisions}
    assert {"counter(advertiser)", "counter(platform+advertiser)", "counter(noise_key)"} <= names
    assert made.columns[0] <= 260 + 10
    item = [one for one in made.importances.origins if one == "counter(item)"]
    assert len(item) > 14  # more half-lives and a window than were declared


def test_a_log_whose_clicks_come_late_is_refused(tmp_path: Path) -> None:
    log = make_log(seed=1, requests=200)
    rows = pl.int_range(pl.len())
    write_log(tmp_path, log.with_columns(clicked=pl.when(rows < 480).then(0).otherwise("clicked")))
    with pytest.raises(DataError, match=r"of 5 folds of the training part .* 1 have clicks"):
        select(parse_config(make_values(tmp_path), "test"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--keep", "counter(itm)"], "did you mean 'counter(item)'"),
        (["--generate", "--deny", "counter(itm)"], "did you mean 'counter(item)'"),
        (["--top", "0"], "--top 0: expected at least 1"),
        (["--retain", "1.5"], "--retain 1.5: expected above 0, at most 1"),
        (["--percentile", "100"], "expected 0 to below 100"),
        (["--keep", "request_size", "--deny", "request_size"], "both name request_size"),
    ],
)
def test_bad_options_are_told_before_any_work(
    noisy: Config, tmp_path: Path, options: list[str], said: str
) -> None:
    source = tmp_path / "config.yaml"
    source.write_text(yaml.safe_dump(noisy.model_dump(mode="json", exclude_unset=True)))
    out = ["--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["select", str(source), *out, *options])
    assert result.exit_code != 0
    assert said in str(result.exception)
    assert not (tmp_path / "out").exists()
