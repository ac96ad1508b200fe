"""A frame is read as the file would be that it could be written to."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clickthrough.config.data import TabularData
from clickthrough.data.frame import dataset_of_frame
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError
from clickthrough.training.prepare import prepare
from tests.logs import make_config, make_values


def settings(folder: Path, **more: object) -> TabularData:
    return TabularData.model_validate(make_values(folder)["data"] | more)


def test_a_frame_is_what_its_file_is(log: pl.DataFrame, log_folder: Path, tmp_path: Path) -> None:
    config = settings(log_folder, cache=tmp_path / "cache")
    frame, file = dataset_of_frame(log, config), open_dataset(config)
    assert frame.schema == file.schema
    assert frame.report == file.report
    assert frame.name == "the frame"
    assert frame.path != file.path
    assert_frame_equal(frame.impressions().collect(), file.impressions().collect())
    tables = prepare(frame, make_config(log_folder), "live").tables
    assert list(tables) == ["train", "validation", "test"]


def test_another_frame_is_converted_anew_and_the_same_is_not(
    log: pl.DataFrame, log_folder: Path, tmp_path: Path
) -> None:
    config = settings(log_folder, cache=tmp_path / "cache")
    paths = {
        dataset_of_frame(frame, config).path
        for frame in (log, log.clone(), log.with_columns(price=pl.col("price") + 1))
    }
    assert len(paths) == 2


def test_errors_call_it_by_its_name(log: pl.DataFrame, log_folder: Path, tmp_path: Path) -> None:
    config = settings(log_folder, cache=tmp_path / "cache")
    with pytest.raises(DataError, match=r"what I gave: .*column 'uuid'"):
        dataset_of_frame(log.drop("uuid"), config, "what I gave")
