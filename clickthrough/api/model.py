"""A trained model as a program or a notebook holds it: a bundle, and what is done with one."""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl

from clickthrough.api.board import board_columns
from clickthrough.api.frames import AnyFrame, Frame, is_frame, read_frame, row_of
from clickthrough.api.page import view
from clickthrough.api.served import Served
from clickthrough.bundle.copy import copy_bundle
from clickthrough.bundle.load import Bundle, load_bundle
from clickthrough.bundle.log import log_of, log_of_frame
from clickthrough.bundle.manifest import read_manifest
from clickthrough.cleanup import scratch_directory
from clickthrough.data.dataset import Dataset
from clickthrough.errors import BundleError
from clickthrough.init.run import Looked
from clickthrough.scoring import ignored_notes, score_file, score_frame
from clickthrough.serving.predictor import Predictor
from clickthrough.store import open_store

Rows = Mapping[str, object] | Sequence[Mapping[str, object]]


class FieldWarning(UserWarning):
    """Fields that the model reads were absent, or others were given that mean nothing to it."""


class ClickModel:
    """A trained, calibrated model: what ``clickthrough.fit`` and ``clickthrough.load`` give.

    >>> model = clickthrough.fit(log, label="clicked")  # doctest: +SKIP
    >>> model.leaderboard()  # doctest: +SKIP
    >>> model.predict(next_week)  # doctest: +SKIP

    In a notebook it shows what was guessed, the leaderboard, a verdict and its reliability.

    Args:
        bundle: the directory of its files.
        looked: what was guessed of the log, where anything was.
        like: the frame that it was fitted to: answers of no other frame are of its library.
        keeping: what keeps a temporary directory until the model is gone.
    """

    def __init__(
        self,
        bundle: Path,
        looked: Looked | None = None,
        like: Frame | None = None,
        keeping: "tempfile.TemporaryDirectory[str] | None" = None,
    ) -> None:
        self.bundle: Bundle = load_bundle(bundle)
        self.looked = looked
        self._like, self._keeping = (like or Frame(pl.DataFrame())).emptied(), keeping
        self._predictor: Predictor | None = None

    @property
    def predictor(self) -> Predictor:
        """What scores single requests and learns from events; counters live in memory."""
        if self._predictor is None:
            self._predictor = Predictor(self.bundle, open_store("memory"))
        return self._predictor

    @property
    def roles(self) -> dict[str, str]:
        """Which column of the log plays which part."""
        return {str(role): column for role, column in self.bundle.schema.roles.items()}

    @property
    def metrics(self) -> dict[str, Any]:
        """What the bundle keeps of its training, as ``metrics.json`` holds it."""
        return self.bundle.metrics

    @property
    def verdict(self) -> str:
        """Whether it beats its baselines, and whether its probabilities can be trusted."""
        from clickthrough.report.page import verdicts_of

        return " ".join(one.sentence for one in verdicts_of(self.metrics))

    def leaderboard(self) -> AnyFrame:
        """Return each model and baseline, best on validation first, as a frame.

        Columns: ``name``; ``kind`` (``model`` or ``baseline``); ``kept``: what this model is;
        ``seconds`` of its fit; ``validation_METRIC``, the one that decides first; ``test_METRIC``
        where the log had a test part.

        Raises:
            ClickthroughError: the bundle is of a version that made none.
        """
        return self._like.table(board_columns(self.metrics))

    def predict(self, rows: AnyFrame | Rows) -> Any:  # noqa: ANN401 - as what was given
        """Return the click probability of each impression.

        Counters are as training left them, and as events told to ``predictor`` have moved them.

        Args:
            rows: a frame; the path of a table; one impression as a dictionary; or several. Fields
                go by the log's column names. Impressions of one request stand among the rows that
                share its id.

        Returns:
            Of a frame a column of its library, aligned with its index; of one dictionary a number;
            of several, or a file, an array of shape (n,).

        Raises:
            DataError: nothing in the frame is known to the model, or a row is malformed.
            RequestError: a dictionary is malformed.
        """
        if isinstance(rows, str | Path):
            return self._of_file(Path(rows))
        rows = row_of(rows)
        if is_frame(rows):
            frame = read_frame(rows)
            scored = score_frame(self.predictor, frame.rows, "the frame")
            for note in scored.notes:
                warnings.warn(note, FieldWarning, stacklevel=2)
            return frame.column("probability", scored.probability)
        answer = self.predictor.predict(rows)
        for note in ignored_notes(answer.ignored):
            warnings.warn(note, FieldWarning, stacklevel=2)
        made = answer.predictions
        if isinstance(rows, Mapping):
            return made[0].probability
        return np.array([one.probability for one in made])

    def _of_file(self, path: Path) -> Any:  # noqa: ANN401 - numpy's
        with scratch_directory() as folder:
            out = folder / "predictions.parquet"
            score_file(self.predictor, path, out)
            return pl.read_parquet(out, glob=False)["probability"].to_numpy()

    def evaluate(
        self,
        data: AnyFrame | None = None,
        counters: Literal["live", "frozen"] = "live",
        baselines: bool = True,
    ) -> "Evaluation":
        """Evaluate on a log: its metrics, beside those of baselines.

        Args:
            data: a frame with labels, or the path of a log; by default what training found on the
                test part. A log of later days, or one without times, is evaluated as a whole, its
                counters starting from the model's; of any other its own test part is.
            counters: ``live``: learning from the events of the log as it goes; ``frozen``: as
                training left them.
            baselines: whether they stand beside.

        Raises:
            DataError: the log cannot be read, or has no labels.
        """
        from clickthrough.training.evaluating.evaluate import evaluate_bundle

        if data is None and counters == "live" and "test" in self.metrics:
            return Evaluation(self.metrics["test"], self._like)
        with scratch_directory() as folder:
            dataset, like = self._dataset(data, folder)
            record = evaluate_bundle(self.bundle, dataset, counters, baselines)
        return Evaluation(record, like)

    def _dataset(self, data: AnyFrame | None, cache: Path) -> tuple[Dataset, Frame]:
        if data is None or isinstance(data, str | Path):
            return log_of(self.bundle, None if data is None else Path(data)), self._like
        frame = read_frame(data)
        return log_of_frame(self.bundle, frame.rows, cache), frame

    def save(self, path: str | Path) -> Path:
        """Write the bundle, which ``clickthrough serve`` takes; one that stands there is replaced.

        Raises:
            BundleError: the place holds something else, or cannot be written.
        """
        return copy_bundle(self.bundle, Path(path))

    def serve(self, host: str = "127.0.0.1", port: int = 8000, store: str | None = None) -> Served:
        """Start the service beside this program, as ``clickthrough serve`` does.

        Args:
            host: on which address.
            port: on which port; 0 takes one that is free.
            store: where its counters are kept: an SQLite file, ``redis://HOST`` or ``memory``; by
                default beside the bundle, or in memory where the model was not saved.

        Returns:
            The running service; it ends with its ``close()``, its block or this program, and
            ``wait()`` waits for that.

        Raises:
            ClickthroughError: it does not start, or another bundle lies at the place of this one.
        """
        if read_manifest(self.bundle.path) != self.bundle.manifest:
            raise BundleError(f"{self.bundle.path}: was replaced after it was loaded; load it anew")
        kept = store or ("memory" if self._keeping else None)
        return Served(self.bundle.path, host, port, kept, self._keeping)

    def report(self, path: str | Path = "report.html") -> Path:
        """Write the report, one page; see ``clickthrough report``."""
        from clickthrough.report.write import write_report

        return write_report(self.bundle, Path(path))[0]

    def close(self) -> None:
        """Close the store of counters; the model can still be saved."""
        if self._predictor is not None:
            self._predictor.close()
            self._predictor = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Say what it is, and what it is worth."""
        name, version = self.bundle.config.model.name, self.bundle.manifest.version
        return f"<ClickModel {name}, bundle {version}: {self.verdict}>"

    def _repr_html_(self) -> str:
        return view(self.bundle, self.looked)


class Evaluation(dict[str, Any]):
    """The record of an evaluation, as ``clickthrough evaluate --json`` writes it.

    Args:
        record: see :func:`clickthrough.evaluation.report.evaluation`.
        like: the frame whose library tables are made by.
    """

    def __init__(self, record: dict[str, Any], like: Frame) -> None:
        super().__init__(record)
        self._like = like

    def table(self) -> AnyFrame:
        """Return the metrics of the model and each baseline as a frame, a row each."""
        results = self["results"]
        metrics = dict.fromkeys(name for found in results.values() for name in found)
        columns: dict[str, list[Any]] = {"name": list(results)}
        columns |= {m: [found.get(m) for found in results.values()] for m in metrics}
        return self._like.table(columns)

    def __repr__(self) -> str:
        """Show the table of metrics."""
        return repr(self.table())

    def _repr_html_(self) -> str:
        table = self.table()
        return str(table._repr_html_()) if hasattr(table, "_repr_html_") else f"<pre>{table}</pre>"


def load(bundle: str | Path = "models") -> ClickModel:
    """Load a bundle that training left; it is verified first.

    Raises:
        BundleError: it cannot be used.
    """
    return ClickModel(Path(bundle))
