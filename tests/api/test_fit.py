"""From a frame, a file or a directory to a model in one call."""

import gc
import json
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pytest

import clickthrough
from clickthrough import ClickModel, ConfigError, DataError, fit, load, train
from clickthrough.api.guess import GuessWarning
from clickthrough.api.model import FieldWarning
from clickthrough.bundle.layout import CALIBRATOR, ONNX, WEIGHTS
from tests.api.conftest import QUICK
from tests.logs import make_log, make_values


def files(bundle: Path) -> dict[str, str]:
    """Return the digests of what was learned: vocabularies, weights, calibrator and graph."""
    listed: dict[str, str] = json.loads((bundle / "manifest.json").read_text())["files"]
    wanted = (CALIBRATOR, ONNX, WEIGHTS, "numeric_scaler.json")
    return {n: d for n, d in listed.items() if n in wanted or n.split("/")[0] != n}


def test_the_best_on_validation_is_kept_and_stands_beside_every_baseline(model: ClickModel) -> None:
    board = model.leaderboard()
    assert isinstance(board, pd.DataFrame)
    assert set(board["name"]) == {
        "lr", "lightgbm", "constant", "smoothed item rate", "sum of rates",
        "logistic regression", "LightGBM",
    }  # fmt: skip
    losses = board["validation_log_loss"]
    assert losses.is_monotonic_increasing
    models = board[board["kind"] == "model"]
    assert models["kept"].tolist() == [True, False]
    assert model.bundle.config.model.name == models["name"].iloc[0]
    assert board["test_auc"].notna().all()
    own = model.evaluate()["results"]
    kept = board[board["kept"]].iloc[0]
    assert kept["test_log_loss"] == next(iter(own.values()))["log_loss"]
    assert set(own) == set(board["name"])


def test_rivals_are_no_baselines(model: ClickModel) -> None:
    loser = next(n for n in ("lr", "lightgbm") if n != model.bundle.config.model.name)
    record = model.evaluate()
    assert record["rivals"] == [loser]
    assert loser not in model.verdict


def test_another_than_the_best_is_kept_where_that_is_asked_for(log: pl.DataFrame) -> None:
    asked = {"models": "lr, lightgbm", "set": QUICK, "baselines": False}
    made = [fit(log, "clicked", keep=name, **asked).bundle for name in ("lr", "lightgbm")]  # type: ignore[arg-type]
    assert [one.config.model.name for one in made] == ["lr", "lightgbm"]
    with pytest.raises(ConfigError, match="unknown model 'mlp'"):
        fit(log, "clicked", keep="mlp", **asked)  # type: ignore[arg-type]


def test_predictions_have_the_index_of_their_frame_and_are_those_of_a_caller(
    model: ClickModel, log: pl.DataFrame
) -> None:
    some = log.tail(40).drop("clicked")
    frame = some.to_pandas()
    frame.index = frame.index + 7
    frame = frame.sample(frac=1, random_state=0)  # requests apart
    found = model.predict(frame)
    assert found.index.tolist() == frame.index.tolist()
    rows = some.to_dicts()
    assert found.sort_index().tolist() == model.predict(rows).tolist()
    assert found.sort_index().tolist() == model.predict(some).to_list()
    assert found.sort_index().tolist() == model.predict(some.to_arrow()).to_pylist()
    alone = {name: value for name, value in rows[0].items() if name != "display_id"}
    assert model.predict(alone) == model.predict([alone])[0]
    assert len(model.predict(some.clear())) == 0


def test_predictions_of_a_file(model: ClickModel, log: pl.DataFrame, tmp_path: Path) -> None:
    log.tail(9).write_csv(tmp_path / "some.csv")
    assert model.predict(tmp_path / "some.csv").tolist() == model.predict(log.tail(9)).to_list()


def test_evaluating_the_log_again_gives_what_training_found(
    model: ClickModel, log: pl.DataFrame
) -> None:
    name = model.bundle.config.model.name
    assert model.evaluate(log)["results"][name] == model.evaluate()["results"][name]
    table = model.evaluate().table()
    assert isinstance(table, pd.DataFrame)
    assert table["name"].iloc[0] == name


def test_a_saved_model_is_the_model(model: ClickModel, tmp_path: Path, log: pl.DataFrame) -> None:
    assert model.save(tmp_path / "bundle") == tmp_path / "bundle"
    other = load(tmp_path / "bundle")
    assert other.bundle.manifest == model.bundle.manifest
    assert other.leaderboard()["name"].to_list() == model.leaderboard()["name"].tolist()
    assert other.predict(log.tail(3)).to_list() == model.predict(log.tail(3)).to_list()
    model.save(tmp_path / "bundle")  # a bundle is replaced, nothing else is
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(clickthrough.BundleError, match="holds files that are no bundle"):
        model.save(tmp_path / "mine")
    assert model.report(tmp_path / "report.html").read_text().startswith("<!")


def test_the_service_of_a_model_answers_and_ends(model: ClickModel, log: pl.DataFrame) -> None:
    rows = log.tail(2).drop("clicked").to_dicts()
    with model.serve(port=0) as served:
        answer = httpx.post(f"{served.url}/predict", json={"impressions": rows}).json()
    found = [one["probability"] for one in answer["predictions"]]
    assert found == model.predict(rows).tolist()
    served.close()  # again, as blocks and programs do
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.url}/health")


@pytest.mark.slow
def test_a_service_that_cannot_start_says_why(model: ClickModel) -> None:
    with (
        model.serve(port=0) as served,
        pytest.raises(clickthrough.ClickthroughError, match="cannot listen on"),
    ):
        model.serve(port=int(served.url.rsplit(":", 1)[1]))


def test_frame_file_and_verb_come_to_the_same_bits(
    log: pl.DataFrame, log_folder: Path, tmp_path: Path
) -> None:
    values = make_values(log_folder)
    ways: dict[str, Callable[[Path], ClickModel]] = {
        "frame": lambda out: fit(log, config=values, set=QUICK, out=out, baselines=False),
        "pandas": lambda out: fit(log.to_pandas(), config=values, set=QUICK, out=out),
        "path": lambda out: fit(log_folder / "log.csv", config=values, set=QUICK, out=out),
        "verb": lambda out: train(values, out=out, set=QUICK),
    }
    found = {name: way(tmp_path / name) for name, way in ways.items()}
    learned = {name: files(tmp_path / name) for name in ways}
    assert len(learned["verb"]) > 8
    assert all(one == learned["verb"] for one in learned.values())
    assert len({one.bundle.manifest.version for one in found.values()}) == 1


def test_guesses_of_a_frame_are_those_of_its_file(log: pl.DataFrame, tmp_path: Path) -> None:
    log.write_parquet(tmp_path / "log.parquet")
    frame = fit(log, "clicked", set=QUICK, baselines=False)
    file = fit(tmp_path / "log.parquet", "clicked", set=QUICK, baselines=False)
    assert files(frame.bundle.path) == files(file.bundle.path)
    assert frame.looked is not None
    assert file.looked is not None
    assert frame.looked.lines == file.looked.lines
    assert frame.roles["user"] == "uuid"


def test_roles_and_settings_by_name(log: pl.DataFrame) -> None:
    made = fit(
        log.rename({"uuid": "who"}),
        "clicked",
        user="who",
        item="ad",
        set=["training.epochs=1", "model.name=lr"],
        baselines=False,
    )
    assert made.roles["user"] == "who"
    assert made.bundle.config.model.name == "lr"
    assert [row["name"] for row in made.metrics["board"]["rows"]] == ["lr"]


def test_nothing_is_left_of_a_frame(
    log: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = fit(log, "clicked", set=QUICK, baselines=False).bundle.path
    assert not list(tmp_path.iterdir())
    assert not place.exists()


@pytest.mark.parametrize(
    ("given", "error", "why"),
    [
        ({"label": "click"}, DataError, "there is no column 'click'"),
        ({"config": "ebnerd"}, ConfigError, "'ebnerd' reads files; for a frame expected 'tabular'"),
        ({"config": "nothing"}, ConfigError, "unknown preset 'nothing'"),
        ({"set": {"training.epoch": 1}}, ConfigError, "did you mean 'epochs'"),
        ({"models": "mpl"}, ConfigError, "unknown family 'mpl'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    log: pl.DataFrame, given: dict[str, Any], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        fit(log, **given)


def test_a_bundle_of_a_frame_says_that_its_log_is_none_of_files(
    model: ClickModel, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="the log was a frame"):
        clickthrough.evaluate(model, counters="frozen")
    path = model.save(tmp_path / "bundle")
    assert clickthrough.evaluate(path)["results"] == model.evaluate()["results"]


def test_probabilities_are_probabilities(model: ClickModel, log: pl.DataFrame) -> None:
    found = model.predict(log).to_numpy()
    assert ((found > 0) & (found < 1)).all()
    assert np.isfinite(found).all()


def test_a_log_of_any_size_is_guessed_to_what_trains() -> None:
    """From 20,000 rows on an id must come back five times to have one of its own."""
    log = make_log(requests=4_200)
    made = fit(log, "clicked", models="lr", set=QUICK, baselines=False)
    kinds = {feature.kind for feature in made.bundle.config.features}
    assert {"categorical", "sequence"} <= kinds


def test_a_model_stays_the_one_that_was_loaded(log: pl.DataFrame, tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "models": "lr",
        "set": QUICK,
        "baselines": False,
        "out": tmp_path / "m",
    }
    fit(log, "clicked", **asked)
    first = load(tmp_path / "m")
    other = fit(make_log(seed=9), "clicked", **asked)
    rows = log.tail(4)
    assert first.predict(rows).to_list() != other.predict(rows).to_list()
    assert first.predictor.bundle is first.bundle
    with pytest.raises(clickthrough.BundleError, match="was replaced after it was loaded"):
        first.serve(port=0)
    with pytest.raises(clickthrough.BundleError, match="replaced or altered"):
        first.save(tmp_path / "copy")
    with pytest.raises(clickthrough.BundleError, match="lies within the bundle"):
        other.save(tmp_path / "m" / "sub")


def test_a_model_does_not_keep_its_frame(log: pl.DataFrame) -> None:
    frame = log.to_pandas()
    gone = weakref.ref(frame)
    made = fit(frame, "clicked", models="lr", set=QUICK, baselines=False)
    del frame
    gc.collect()
    assert gone() is None
    assert isinstance(made.leaderboard(), pd.DataFrame)


def test_a_service_ends_with_the_program_that_started_it(model: ClickModel, tmp_path: Path) -> None:
    path = model.save(tmp_path / "bundle")
    script = (
        "import os, signal, sys\nfrom clickthrough import load\n"
        f"served = load({str(path)!r}).serve(port=0, store='memory')\n"
        "print(served.url, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    url = done.stdout.strip()
    assert url.startswith("http://127.0.0.1:"), done.stderr
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            httpx.get(f"{url}/health/live")
        except httpx.ConnectError:
            return
        except httpx.TransportError:
            pass  # it is about to
        time.sleep(0.1)
    raise AssertionError("the service is still there")


def test_a_service_lasts_as_long_as_its_bundle(log: pl.DataFrame) -> None:
    made = fit(log, "clicked", models="lr", set=QUICK, baselines=False)
    path = made.bundle.path
    with made.serve(port=0) as served:
        del made
        gc.collect()
        assert path.exists()
        assert httpx.get(f"{served.url}/health/ready").is_success
    del served
    gc.collect()
    assert not path.exists()


def test_rows_of_other_forms(model: ClickModel, log: pl.DataFrame) -> None:
    row = log.drop("clicked", "display_id").tail(1)
    wanted = model.predict(row)[0]
    assert model.predict(row.to_pandas().iloc[0]) == wanted
    assert model.predictor.predict(row.to_pandas().iloc[0]).predictions[0].probability == wanted
    assert model.predictor.predict(row.lazy()).predictions[0].probability == wanted
    decimal = row.to_dicts()[0] | {"price": Decimal("1.5")}
    assert model.predict(decimal) == model.predict(decimal | {"price": np.longdouble(1.5)})
    twice = pd.DataFrame([[1, 2]], columns=["ad", "ad"])
    with pytest.raises(clickthrough.RequestError, match="several columns 'ad'"):
        model.predictor.predict(twice)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ([1], "config: expected a file, the name of a preset or sections"),
        ({"data": "x"}, "data"),
        ({"data": None}, "data"),
        ({"features": []}, "data"),
    ],
)
def test_configurations_that_are_none(config: Any, why: str, log: pl.DataFrame) -> None:  # noqa: ANN401
    with pytest.raises(ConfigError, match=why):
        fit(log, config=config)
    with pytest.raises(ConfigError, match=why):
        train(config)


def test_names_of_any_alphabet(log: pl.DataFrame) -> None:
    values = {
        "data": {"reader": "tabular", "roles": {"label": "clicked"}},
        "features": [{"kind": "numeric", "fields": "price"}],
    }
    asked: dict[str, Any] = {"set": QUICK | {"model.hidden": np.array([8])}, "baselines": False}
    made = fit(log.rename({"clicked": "👍"}), "👍", config=values, **asked)
    assert made.roles["label"] == "👍"


def test_an_index_with_a_name_is_a_column(log: pl.DataFrame, model: ClickModel) -> None:
    frame = log.to_pandas()
    indexed = frame.set_index("ts")
    made = fit(indexed, "clicked", models="lr", set=QUICK, baselines=False)
    assert made.roles["time"] == "ts"
    some = frame.tail(6)
    found = model.predict(some.set_index(["ts", "uuid"]))
    assert found.tolist() == model.predict(some).tolist()
    assert found.index.names == ["ts", "uuid"]


def test_several_files_are_one_log(log: pl.DataFrame, tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    log.head(3_000).write_csv(paths[0])
    log.tail(-3_000).write_csv(paths[1])
    made = fit(paths, "clicked", models="lr", set=QUICK, baselines=False)
    assert made.metrics["log"]["impressions"] == len(log)


def test_guesses_and_fields_that_say_nothing_are_told(log: pl.DataFrame, model: ClickModel) -> None:
    with pytest.warns(GuessWarning, match="user='uuid'"):
        fit(log, "clicked", models="lr", set=QUICK, baselines=False)
    with pytest.warns(FieldWarning, match="absent, and taken as missing.*price"):
        model.predict(log.tail(2).drop("price"))
    with pytest.warns(FieldWarning, match="mean nothing to the model: prise"):
        model.predict({"ad": 101, "prise": 1.0})


def test_what_a_guess_lacks_is_asked_for_by_keywords(log: pl.DataFrame) -> None:
    texts = log.with_columns(
        clicked=pl.when(log["clicked"] == 1).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    with pytest.raises(DataError, match=r"label_is=TEXT, or name another with label=COLUMN"):
        fit(texts)
    with pytest.raises(DataError, match="where a column says so, name it with label=COLUMN"):
        fit(log.select("uuid", "ad", "ts"))
