"""What training leaves, before anything is written: all that scores, and what a bundle holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from clickthrough._version import __version__
from clickthrough.bundle import layout
from clickthrough.bundle.load import Bundle
from clickthrough.bundle.manifest import Manifest
from clickthrough.bundle.save import Parts, counters_name
from clickthrough.calibration import Calibrator
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.sources import field_sources
from clickthrough.data.split import TRAIN, VALIDATION
from clickthrough.features.check import as_served
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.sides import SideTable
from clickthrough.schema import Schema
from clickthrough.steps import step
from clickthrough.training.fit import Fitted, fit
from clickthrough.training.fitted import EXAMPLE_ROWS, Scored
from clickthrough.training.lookup import chosen as looked_up
from clickthrough.training.lookup import side_tables
from clickthrough.training.prepare import Prepared, prepare, snapshots_before_test
from clickthrough.training.refusals import refuse_unlearnable
from clickthrough.training.told import Told

UNSAVED = "unsaved"
"""The version of what no directory holds."""


@dataclass(frozen=True)
class Learned:
    """A fitted model with everything that scoring needs.

    Attributes:
        config: with nothing left to the log.
        schema: as it is served.
        snapshots: what is known of keys, by the names of their sets.
        counters_until: the snapshots hold the events before this moment (microseconds).
        sides: side tables that callers need not send.
        example: encoded rows on which an exported graph must agree with the model.
    """

    config: Config
    schema: Schema
    encoder: Encoder
    model: Scored
    calibrator: Calibrator
    snapshots: dict[str, Snapshot]
    counters_until: int
    sides: Sequence[SideTable]
    example: Encoded

    def parts(self, folder: Path, metrics: dict[str, Any]) -> Parts:
        """Return what a bundle is made of; the model's files are written into a folder."""
        with step("exporting the graph"):
            self.model.write(folder, self.example)
        return Parts(
            config=self.config,
            schema=self.schema,
            encoder=self.encoder,
            model=folder,
            calibrator=self.calibrator,
            snapshots=self.snapshots,
            counters_until=self.counters_until,
            metrics=metrics,
            sides=self.sides,
        )

    def bundle(self) -> Bundle:
        """Return it as a bundle that lies nowhere: it scores as the written one would."""
        plan = self.encoder.plan
        manifest = Manifest(
            format=layout.FORMAT,
            version=UNSAVED,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            clickthrough=__version__,
            counters=counters_name(plan, self.schema),
            counters_until=datetime.fromtimestamp(self.counters_until / 1e6, UTC).isoformat(),
            files={},
        )
        return Bundle(
            path=Path(UNSAVED),
            manifest=manifest,
            config=self.config,
            schema=self.schema,
            plan=plan,
            encoder=self.encoder,
            model=self.model,
            calibrator=self.calibrator,
            snapshots=self.snapshots,
            metrics={},
            sides=self.sides,
        )


def learn(dataset: Dataset, config: Config, told: Told | None = None) -> tuple[Learned, Fitted]:
    """Fit and calibrate a model on a log, and write nothing.

    Raises:
        ClickthroughError: nothing can be learned of the log, or the configuration does not fit it.
    """
    refuse_unlearnable(dataset, config.data.split)
    prepared = prepare(dataset, config, "live", parts=(TRAIN, VALIDATION))
    fitted = fit(prepared, config, told)
    assert fitted is not None  # noqa: S101 - one process, which leads
    return learned(dataset, prepared, fitted), fitted


def learned(dataset: Dataset, prepared: Prepared, fitted: Fitted) -> Learned:
    """Put together what was learned of a log, with what is known of its keys."""
    with step("counting what the bundle will know"):
        snapshots, until = snapshots_before_test(dataset, fitted.config)
    with step("writing side tables"):
        named = looked_up(fitted.config.serving.lookup, dataset)
        sides = side_tables(named, dataset, prepared.encoder.plan)
    served = as_served(dataset.schema, fitted.config.declared)
    example = prepared.tables["validation"].inputs[:EXAMPLE_ROWS]
    return Learned(
        config=fitted.config,
        schema=served.model_copy(update={"sources": field_sources(dataset)}),
        encoder=prepared.encoder,
        model=fitted.model,
        calibrator=fitted.calibrator,
        snapshots=snapshots,
        counters_until=until,
        sides=sides,
        example=Encoded(**{name: np.array(rows) for name, rows in example.arrays().items()}),
    )
