"""The whole configuration, one section a part of the system."""

from typing import Literal, Self

from pydantic import Field, model_validator

from clickthrough.config.base import Strict
from clickthrough.config.data import OURS, DataConfig, not_a_column
from clickthrough.config.evaluation import Evaluation
from clickthrough.config.features import Counters, Feature, fields_named
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

    @model_validator(mode="after")
    def _features_of_the_log(self) -> Self:
        for place, feature in enumerate(self.features):
            for name in fields_named(feature):
                if name in OURS:
                    raise ValueError(f"features.{place}: '{feature.kind}' {not_a_column(name)}")
        return self
