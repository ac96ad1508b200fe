"""A comparison of families on one log."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from clickthrough.comparison import compare as comparing
from clickthrough.comparison.compare import compare
from clickthrough.comparison.contenders import contenders
from clickthrough.comparison.report import markdown, write_report
from clickthrough.comparison.run import Outcome, outcome_of
from clickthrough.comparison.summary import summarized
from clickthrough.config.evaluation import Evaluation
from clickthrough.config.model import Mlp
from clickthrough.config.root import Config
from clickthrough.errors import ClickthroughError, ConfigError
from clickthrough.training.told import Told

MODELS = "mlp, wide_deep[members=2]"


@pytest.fixture
def made(config: Config) -> Config:
    evaluation = config.evaluation.model_copy(update={"bootstrap": 20})
    training = config.training.model_copy(update={"epochs": 1})
    return config.model_copy(update={"evaluation": evaluation, "training": training})


@pytest.mark.slow
def test_every_contender_runs_with_every_seed_and_an_interrupted_comparison_goes_on(
    made: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some, done = contenders(MODELS, made.model), list[tuple[str, int]]()

    def counted(one, seed, *rest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
        if len(done) == 3 and not (tmp_path / "again").exists():
            raise KeyboardInterrupt
        done.append((one.name, seed))
        return outcome_of(one, seed, *rest)

    monkeypatch.setattr(comparing, "outcome_of", counted)
    with pytest.raises(KeyboardInterrupt):
        compare(made, some, 2, tmp_path / "out", Told())
    (tmp_path / "again").touch()
    summary = compare(made, some, 2, tmp_path / "out", Told())
    assert done == [(one.name, seed) for seed in (7, 8) for one in some]
    first, second = summary.rows
    assert (first.seeds, second.seeds) == (2, 2)
    assert first.test["log_loss"] is not None
    deviation = first.test["log_loss"][1]
    assert deviation is not None
    assert deviation > 0  # seeds differ
    assert not first.differences
    difference = second.differences["log_loss"]
    assert difference is not None
    assert difference[1] <= difference[0] <= difference[2]
    assert first.measures["ms_100"] > 0
    assert second.measures["weights"] > first.measures["weights"] > 100
    write_report(summary, tmp_path / "out")
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert text == markdown(summary)
    assert "| wide_deep[members=2] | 2 |" in text
    assert (tmp_path / "out" / "comparison.svg").read_text().count("wide_deep") == 1
    kept = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [row["name"] for row in kept["rows"]] == ["mlp", "wide_deep[members=2]"]


def test_runs_of_another_configuration_are_not_mixed_in(made: Config, tmp_path: Path) -> None:
    some = contenders("mlp", made.model)
    compare(made, some, 1, tmp_path, Told())
    split = made.data.split.model_copy(update={"test": 0.3})
    for section, changed in (
        ("training", made.training.model_copy(update={"epochs": 2})),
        ("data", made.data.model_copy(update={"split": split})),
        ("model", made.model.model_copy(update={"dropout": 0.5})),
    ):
        other = made.model_copy(update={section: changed})
        with pytest.raises(ConfigError, match="holds runs of another log or configuration"):
            compare(other, some, 1, tmp_path, Told())


def test_of_one_run_no_deviation_is_said(made: Config, tmp_path: Path, finished: Path) -> None:
    shutil.copytree(finished, tmp_path / "out")
    summary = compare(made, contenders("mlp", made.model), 1, tmp_path / "out", Told())
    row = next(line for line in markdown(summary).splitlines() if line.startswith("| mlp"))
    assert "±" not in row


def kept(folder: Path) -> Path:
    """Return the figures of the first run that lies in a directory."""
    (path,) = folder.glob("mlp-*.json")
    return path


def damaged(path: Path, how: str) -> None:
    values = path.with_suffix(".npy")
    match how:
        case "no figures":
            path.write_text("{")
        case "other figures":
            path.write_text(path.read_text().replace('"seconds"', '"minutes"'))
        case "a text":
            path.write_bytes(b"\xff")
        case "no values":
            values.unlink()
        case "half of the values":
            values.write_bytes(values.read_bytes()[:200])
        case "other values":
            np.save(values, np.full(len(np.load(values)), 7.0, np.float32))
        case "few values":
            np.save(values, np.load(values)[:3])
        case "another run":
            path.write_text(path.read_text().replace('"contender": "mlp"', '"contender": "lr"'))


@pytest.mark.parametrize(
    "how",
    [
        "no figures", "other figures", "a text", "no values", "half of the values",
        "other values", "few values", "another run",
    ],
)  # fmt: skip
def test_a_run_that_is_damaged_or_another_is_refused_by_name(
    how: str, made: Config, tmp_path: Path, finished: Path
) -> None:
    shutil.copytree(finished, tmp_path / "out")
    path = kept(tmp_path / "out")
    damaged(path, how)
    with pytest.raises(ClickthroughError, match=path.stem):
        compare(made, contenders("mlp", made.model), 1, tmp_path / "out", Told())


@pytest.fixture(scope="module")
def finished(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of one run."""
    evaluation = config.evaluation.model_copy(update={"bootstrap": 20})
    training = config.training.model_copy(update={"epochs": 1})
    settings = config.model_copy(update={"evaluation": evaluation, "training": training})
    folder = tmp_path_factory.mktemp("finished") / "out"
    compare(settings, contenders("mlp", settings.model), 1, folder, Told())
    return folder


def test_contenders_that_are_written_alike_lie_apart() -> None:
    context = ("[[user], [item]]", "[[user, item], []]")
    some = contenders(", ".join(f"final_mlp[context={text}]" for text in context), Mlp())
    long = contenders(", ".join(f"mlp[hidden={[1] * 90 + [last]}]" for last in (1, 2)), Mlp())
    names = [comparing._file_name(one) for one in (*some, *long)]
    assert len(set(names)) == 4
    assert max(map(len, names)) < 100


def test_a_place_where_no_directory_can_be_is_named(made: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(ClickthroughError, match="cannot be written"):
            compare(made, contenders("mlp", made.model), 1, out, Told())


def test_an_equal_contender_differs_by_nothing_and_a_better_one_surely() -> None:
    rng = np.random.default_rng(0)
    labels = rng.binomial(1, 0.3, 3_000).astype(np.int8)
    offsets = np.arange(0, 3_001, 5)
    figures = {"test": {"log_loss": 0.6, "auc": 0.5}, "validation": {"log_loss": 0.6},
               "seconds": 1.0, "epochs": 1, "weights": 9, "megabytes": 1.0, "ms_1": 1.0,
               "ms_100": 1.0}  # fmt: skip
    guess = np.clip(rng.normal(0.3, 0.05, 3_000), 0.01, 0.99)
    good = np.where(labels == 1, 0.4, 0.25)
    better = figures | {"test": {"log_loss": 0.4, "auc": 1.0}}
    runs = [
        Outcome(name, seed, about, p)
        for seed in (1, 2)
        for name, about, p in (
            ("one", figures, guess), ("same", figures, guess), ("good", better, good),
        )
    ]  # fmt: skip
    rows = summarized(runs, labels, offsets, Evaluation(bootstrap=50)).rows
    assert rows[1].differences["log_loss"] == [0.0, 0.0, 0.0]
    found = rows[2].differences["auc"]
    assert found is not None
    assert found[1] > 0.3
