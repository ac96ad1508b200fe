from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from clickthrough.config import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError
from clickthrough.training.evaluating.truth import read_truth
from clickthrough.training.prepare import prepare
from tests.logs import make_config, make_log, write_log


@pytest.fixture(scope="module")
def dataset(config: Config) -> Dataset:
    return open_dataset(config.data)


@pytest.fixture(scope="module")
def truth(log: pl.DataFrame) -> pl.DataFrame:
    """Probabilities that tell each pair apart, neither in the order of the log nor in their own."""
    p = pl.Series(mixed(np.arange(log.height), log.height))
    found = log.select("display_id", "ad", probability=p, observable=p / 2)
    return found.sample(fraction=1, shuffle=True, seed=1)


def mixed(places: NDArray[np.int64], rows: int) -> NDArray[np.float64]:
    """Return another probability for each place in the log."""
    return (places * 7_919 % rows) / rows


def written(folder: Path, truth: pl.DataFrame) -> Path:
    truth.write_parquet(folder / "truth.parquet")
    return folder / "truth.parquet"


def test_the_truth_stands_row_for_row_with_the_table_of_the_test_part(
    dataset: Dataset, config: Config, truth: pl.DataFrame, tmp_path: Path, log: pl.DataFrame
) -> None:
    found = read_truth(written(tmp_path, truth), dataset, config)
    test = prepare(dataset, config, "live").tables["test"]
    places = np.arange(log.height - len(test), log.height)
    assert list(found) == ["truth", "observable oracle"]
    assert found["truth"].tolist() == mixed(places, log.height).tolist()
    assert log["clicked"].to_numpy()[places].tolist() == test.labels.tolist()
    assert np.array_equal(found["observable oracle"], found["truth"] / 2)


def test_impressions_without_a_label_need_no_truth(
    truth: pl.DataFrame, tmp_path: Path, log: pl.DataFrame
) -> None:
    first = pl.int_range(pl.len()) % 5 == 0
    write_log(tmp_path, log.with_columns(pl.when(~first).then("clicked").alias("clicked")))
    config = make_config(tmp_path)
    dataset = open_dataset(config.data)
    others = truth.join(log.filter(~first), on=["display_id", "ad"], how="semi")
    found = read_truth(written(tmp_path, others), dataset, config)["truth"]
    places = np.arange(log.height)[-log.height // 5 :]
    assert found.tolist() == mixed(places[places % 5 != 0], log.height).tolist()


def test_keys_of_another_type_are_the_same_keys(
    dataset: Dataset, config: Config, truth: pl.DataFrame, tmp_path: Path
) -> None:
    texts = truth.with_columns(pl.col("display_id").cast(pl.String), pl.col("ad").cast(pl.Float64))
    as_text = read_truth(written(tmp_path, texts), dataset, config)
    assert np.array_equal(
        as_text["truth"], read_truth(written(tmp_path, truth), dataset, config)["truth"]
    )


def test_without_an_observable_column_there_is_no_oracle(
    dataset: Dataset, config: Config, truth: pl.DataFrame, tmp_path: Path
) -> None:
    path = written(tmp_path, truth.drop("observable"))
    assert list(read_truth(path, dataset, config)) == ["truth"]


LAST = pl.col("display_id") == pl.col("display_id").max()


def last(value: float) -> pl.Expr:
    """Another probability in the last request."""
    return pl.when(LAST).then(value).otherwise("probability")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda t: t.filter(~LAST),
            r"truth.parquet: 5 impressions of the test part have no 'probability', such as "
            r"request 2199, item \d+",
        ),
        (
            lambda t: t.with_columns(observable=pl.when(~LAST).then("observable")),
            "5 impressions of the test part have no 'observable', such as request 2199",
        ),
        (
            lambda t: pl.concat([t, t.filter(LAST)]),
            "5 pairs of the test part stand twice, such as request 2199",
        ),
        (
            lambda t: t.with_columns(probability=last(1.5)),
            r"5 values of 'probability' are not between 0 and 1, such as request 2199.*: 1\.5",
        ),
        (
            lambda t: t.with_columns(probability=last(np.nan)),
            "5 values of 'probability' are not between 0 and 1, .*: nan",
        ),
        (lambda t: t.rename({"ad": "adv"}), "unknown column 'ad'; did you mean 'adv'"),
        (lambda t: t.rename({"probability": "p"}), "unknown column 'probability'"),
        (
            lambda t: t.with_columns(ad=pl.format("ad{}", "ad")),
            "truth.parquet: cannot be joined with the log",
        ),
        (
            lambda t: t.with_columns(probability=pl.lit("high")),
            "truth.parquet: cannot be joined with the log",
        ),
    ],
)  # fmt: skip
def test_a_truth_that_cannot_be_used_is_named(
    change: object, says: str, dataset: Dataset, config: Config, truth: pl.DataFrame, tmp_path: Path
) -> None:
    path = written(tmp_path, change(truth))  # type: ignore[operator]
    with pytest.raises(DataError, match=says):
        read_truth(path, dataset, config)


def test_a_file_that_is_none_is_named(dataset: Dataset, config: Config, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"truth.parquet: no such file"):
        read_truth(tmp_path / "truth.parquet", dataset, config)
    (tmp_path / "truth.parquet").write_text("display_id,ad\n")
    with pytest.raises(DataError, match=r"truth.parquet: not readable as Parquet"):
        read_truth(tmp_path / "truth.parquet", dataset, config)


def test_a_log_without_requests_has_no_pairs(tmp_path: Path, truth: pl.DataFrame) -> None:
    write_log(tmp_path, make_log(requests=40))
    config = make_config(tmp_path)
    roles = config.data.roles.model_copy(update={"request_id": None})  # type: ignore[union-attr]
    data = config.data.model_copy(update={"roles": roles})
    alone = config.model_copy(update={"data": data})
    with pytest.raises(DataError, match="needs a log with roles for request_id and item"):
        read_truth(written(tmp_path, truth), open_dataset(data), alone)
