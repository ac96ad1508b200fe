"""The whole configuration, one section a part of the system."""

from typing import Literal

from pydantic import Field

from clickthrough.config.base import Strict
from clickthrough.config.data import DataConfig
from clickthrough.config.evaluation import Evaluation
from clickthrough.config.features import Counters, Feature
from clickthrough.config.serving import Serving
from clickthrough.config.training import Calibration, Mlp, Training


class Config(Strict):
    """One training run and the service that comes of it.

    Attributes:
        engine: what computes the history of the log: polars in memory, duckdb beyond memory, spark
            beyond a machine.
    """

    data: DataConfig
    engine: Literal["polars", "duckdb", "spark"] = "polars"
    features: list[Feature] = Field(min_length=1)
    counters: Counters = Counters()
    model: Mlp = Mlp()
    training: Training = Training()
    calibration: Calibration = Calibration()
    evaluation: Evaluation = Evaluation()
    serving: Serving = Serving()
