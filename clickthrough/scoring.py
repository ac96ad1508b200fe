"""Scoring a file or a frame of impressions with the predictor."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clickthrough.errors import DataError, RequestError
from clickthrough.impression_files import Batch, opened, opened_frame
from clickthrough.predictions import PREDICTED, Written, writing
from clickthrough.serving.predictor import Predictor

if TYPE_CHECKING:
    import polars as pl

_CHUNK = 1_000
"""Rows scored at once: of more, the arrays would not lie in the processor's cache."""
_MOST_TOLD = 20
"""Columns in a note."""


@dataclass(frozen=True)
class ScoredFile:
    """What became of a file.

    Attributes:
        rows: impressions scored.
        notes: what its owner should know: how it was read, what was ignored and what was absent.
    """

    rows: int
    notes: list[str]


def score_file(
    predictor: Predictor, source: Path, out: Path, keep: Sequence[str] = ()
) -> ScoredFile:
    """Score every impression of a file.

    Args:
        predictor: what scores.
        source: CSV, Parquet or JSON lines, raw fields of one impression a row.
        out: CSV, JSON lines or Parquet by its name, ``.gz`` where it ends so, or ``-`` for CSV on
            the standard output: row, request, item, probability and logit, in the order of the
            file. It appears when it is whole.
        keep: columns of the file that are written beside; ``*`` keeps all.

    Raises:
        DataError: a file cannot be read or written, is of another format, none of its columns is
            known, or a row is malformed: names the row.
    """
    sent, count, apart = set[str](), 0, list[Written]()
    parser, name = predictor.scorer.parser, str(source)
    try:
        with (
            opened(predictor.bundle, parser, source, keep, _CHUNK) as found,
            writing(out) as write,
        ):
            for batch in found.batches:
                made = _scored(predictor, batch, name)
                count += len(batch.said.places)
                sent |= _sent(batch)
                if found.whole:
                    write(made)
                else:
                    apart.append(made)
            if apart:
                write(_in_order(apart))
            elif not count:
                write(dict.fromkeys(("row", *PREDICTED), ()))
    except BrokenPipeError:  # who reads the standard output has gone
        raise
    except (OSError, UnicodeError) as error:  # a kept text may hold half of a surrogate pair
        raise DataError(f"{source} -> {out}: {error}") from None
    notes = [*found.notes, *ignored_notes(list(found.ignored)), *_absent(predictor, sent)]
    return ScoredFile(count, notes)


@dataclass(frozen=True)
class ScoredFrame:
    """What became of a frame.

    Attributes:
        probability: of each row, in their order, shape (n,).
        logit: likewise.
        notes: what its owner should know: what was ignored and what was absent.
    """

    probability: NDArray[np.float64]
    logit: NDArray[np.float64]
    notes: list[str]


def score_frame(predictor: Predictor, rows: "pl.DataFrame", name: str) -> ScoredFrame:
    """Score every impression of a frame, as those of a file are.

    Args:
        predictor: what scores.
        rows: raw fields of one impression a row.
        name: how errors call it.

    Raises:
        DataError: none of its columns is known, or a row is malformed: names the row.
    """
    import polars as pl

    try:
        return _scored_frame(predictor, rows, name)
    except pl.exceptions.PolarsError as error:  # also of what is read while rows are scored
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{name}: cannot be read: {reason}") from None


def _scored_frame(predictor: Predictor, rows: "pl.DataFrame", name: str) -> ScoredFrame:
    made = np.empty((2, len(rows)))
    if not len(rows):
        return ScoredFrame(made[0], made[1], [])
    found = opened_frame(predictor.bundle, predictor.scorer.parser, rows, name, _CHUNK)
    sent = set[str]()
    for batch in found.batches:
        own = _scored(predictor, batch, name)
        places = np.array(batch.said.places) - 1
        for column, values in enumerate((own["probability"], own["logit"])):
            made[column, places] = np.asarray(values, np.float64)
        sent |= _sent(batch)
    notes = [*ignored_notes(list(found.ignored)), *_absent(predictor, sent)]
    return ScoredFrame(made[0], made[1], notes)


def _sent(batch: Batch) -> set[str]:
    """Return the fields that rows of a batch have."""
    return {*batch.said.columns, *(n for own in batch.said.lists.values() for n in own.sizes)}


def _scored(predictor: Predictor, batch: Batch, source: str) -> Written:
    """Return what is written of a batch, a column each."""
    try:
        scores = predictor.score(batch.said)
    except RequestError as error:  # names the row by its place in the file
        raise DataError(f"{source}: {error}") from None
    made: Written = {"row": batch.said.places, **batch.beside}
    return made | {name: getattr(scores, name) for name in PREDICTED}


def _in_order(batches: Sequence[Written]) -> Written:
    """Return rows of several batches in the order of the file."""
    columns = {n: [value for batch in batches for value in batch[n]] for n in batches[0]}
    order = np.argsort(np.array(columns["row"], np.int64)).tolist()
    return {name: [column[place] for place in order] for name, column in columns.items()}


def ignored_notes(names: Sequence[str]) -> list[str]:
    """Say which fields mean nothing to the model, if any."""
    return [f"ignored, for they mean nothing to the model: {_listed(names)}"] if names else []


def _absent(predictor: Predictor, sent: set[str]) -> list[str]:
    """Say which fields that the model reads no row had."""
    schema = predictor.bundle.schema
    read = [*predictor.scorer.parser.fields, *(["time"] if "time" in schema.roles else [])]
    known = predictor.scorer.parser.known_by(sent)
    absent = [name for name in read if name not in sent and name not in known]
    told = {
        "absent, and read from the bundle's side tables": [n for n in read if n in known],
        "absent, and taken as missing (a time as now)": absent,
    }
    return [f"{what}: {_listed([*map(schema.input_name, n)])}" for what, n in told.items() if n]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_TOLD
    some = ", ".join(names[:_MOST_TOLD])
    return f"{some} and {more:,} more" if more > 0 else some
