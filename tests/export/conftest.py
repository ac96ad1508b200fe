"""Exports that no test may change."""

from pathlib import Path

import polars as pl
import pytest

from clickthrough.bundle import Bundle
from tests.export.made import Exported, export, part_config, rich_config, train_bundle
from tests.serving.rich import Trained, make_rich_log, train_rich


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Exported:
    """Of the bundle that all tests share."""
    return export(bundle, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Of hashed ids, hours, weighted bags, a sequence; of two members with a linear path beside."""
    folder = tmp_path_factory.mktemp("rich")
    return export(train_bundle(rich_config(folder), folder), folder)


@pytest.fixture(scope="session")
def ids(tmp_path_factory: pytest.TempPathFactory, log_folder: Path) -> Exported:
    """Of id columns alone."""
    folder = tmp_path_factory.mktemp("ids")
    return export(train_bundle(part_config("categorical", log_folder), folder), folder)


@pytest.fixture(scope="session")
def numbers(tmp_path_factory: pytest.TempPathFactory, log_folder: Path) -> Exported:
    """Of numeric columns alone."""
    folder = tmp_path_factory.mktemp("numbers")
    return export(train_bundle(part_config("numeric", log_folder), folder), folder)


@pytest.fixture(scope="session")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Of every kind of feature on texts of many scripts, calibrated by the values of a column."""
    scripts = {
        "mobile": "möbile 📱",
        "desktop": "デスクトップ " * 9,
    }  # longer than is held
    log = make_rich_log().with_columns(
        pl.col("platform").replace(scripts), pl.col("uuid").str.replace("u", "ü")
    )
    calibration = {"method": "platt", "by": "platform", "least": 20}
    return train_rich(tmp_path_factory.mktemp("varied"), log, calibration)


@pytest.fixture(scope="session", params=["plain", "rich", "ids", "numbers"])
def exported(request: pytest.FixtureRequest) -> Exported:
    made: Exported = request.getfixturevalue(request.param)
    return made
