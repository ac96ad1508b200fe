"""The whole configuration, one section a part of the system."""

from typing import Literal, Self

from pydantic import Field, model_validator

from clickthrough.config.base import Strict
from clickthrough.config.data import OURS, DataConfig, not_a_column
from clickthrough.config.evaluation import Evaluation
from clickthrough.config.explain import Explain
from clickthrough.config.features import Counters, Feature, fields_named
from clickthrough.config.model import Mlp, Model
from clickthrough.config.origins import without
from clickthrough.config.serving import Serving
from clickthrough.config.training import Calibration, Training
from clickthrough.config.tune import Tune


class Config(Strict):
    """One training run and the service that comes of it.

    Attributes:
        data: where the log lies, what its columns mean, and how time divides it.
        engine: what computes the history of the log: polars in memory that does not grow with its
            rows, duckdb by its own, spark beyond a machine, where it encodes the rows, too.
        features: what the model is given, an entry a declaration.
        drop: features that are left out, by their names: ``counter(user)``, ``categorical(item)``.
        counters: how all counters count.
        model: the family that is trained, by its name or with settings.
        training: the training loop.
        calibration: how scores become probabilities.
        evaluation: how the model is measured.
        serving: what a process of the service accepts.
        explain: what reasons say of fields.
        tune: what ``clickthrough tune`` searches.
    """

    data: DataConfig
    engine: Literal["polars", "duckdb", "spark"] = "polars"
    features: list[Feature] = Field(min_length=1)
    drop: list[str] = []
    counters: Counters = Counters()
    model: Model = Mlp()
    training: Training = Training()
    calibration: Calibration = Calibration()
    evaluation: Evaluation = Evaluation()
    serving: Serving = Serving()
    explain: Explain = Explain()
    tune: Tune = Tune()

    @property
    def declared(self) -> list[Feature]:
        """The features, less those that are dropped."""
        return without(self.features, self.drop)

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        if not self.declared:
            raise ValueError("drop: leaves no feature")
        return self

    @model_validator(mode="after")
    def _features_of_the_log(self) -> Self:
        for place, feature in enumerate(self.features):
            for name in fields_named(feature):
                if name in OURS:
                    raise ValueError(f"features.{place}: '{feature.kind}' {not_a_column(name)}")
        return self
