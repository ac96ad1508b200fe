"""``POST /invocations``: what Amazon SageMaker asks of a container, in each type that it sends.

JSON is a body of ``/predict`` or of ``/rank``. JSON lines are answered by lines and a CSV by one
probability a line, in the order of the rows, which is what batch transform joins with its input.
"""

import csv
import io
import re
from typing import Any

import msgspec
from msgspec import UNSET

from clickthrough.errors import RequestError
from clickthrough.serving.answering import Answering, Impressions, Pace, encode, predictions
from clickthrough.serving.batcher import Gone
from clickthrough.serving.bodies import BodyReader, read_row, with_nulls
from clickthrough.serving.contract import (
    CountersMode,
    Invocation,
    Predictions,
    RankBody,
    Rankings,
    Row,
)
from clickthrough.serving.csv_rows import CSV, field_names, read_csv
from clickthrough.serving.own_fields import Sample
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.routes import Form, Route
from clickthrough.serving.scorer import Scored

PATH = "/invocations"
LINES = (
    "application/jsonlines", "application/x-jsonlines", "application/jsonl", "application/x-ndjson",
)  # fmt: skip
ABSENT = f"{CSV}; header=absent"
"""A CSV whose columns are the fields that ``GET /model`` lists, in that order."""
_OF_CSV = Pace(12_288, 3e-7)
"""Its rows are short, and its numbers are texts: 65 kB take 20 ms in all, as 2,000 rows or as one
list of 32,000 numbers; of this size 4 ms."""
_BLANK = re.compile(rb"[ \t\r]*")


class Invocations:
    """The handlers of the route.

    Args:
        answering: scores what was read.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._whole = BodyReader(Invocation, _rows_of, "impressions")

    def route(self) -> Route:
        """Return the route."""
        forms = {media: Form(self.lines, media.encode(), _line) for media in LINES}
        forms |= {CSV: Form(self.csv, CSV.encode(), _table)}
        forms |= {ABSENT: Form(self.csv_without_header, CSV.encode())}
        answers = (Predictions, Rankings)
        return Route(PATH, "scoring", Invocation, answers, _body, self.json, forms)

    async def json(self, body: bytes, gone: Gone) -> bytes:
        """Score impressions or rank candidates, as Amazon SageMaker asks."""
        return await self._answering.answer(PATH, body, gone, self._read_json)

    async def lines(self, body: bytes, gone: Gone) -> bytes:
        """Score the impressions of JSON lines."""
        return await self._answering.answer(PATH, body, gone, _read_lines)

    async def csv(self, body: bytes, gone: Gone) -> bytes:
        """Score the rows of a CSV whose first line names its columns."""
        return await self._answering.answer(PATH, body, gone, _read_csv, _OF_CSV)

    async def csv_without_header(self, body: bytes, gone: Gone) -> bytes:
        """Score the rows of a CSV whose columns are the fields that the bundle reads."""
        read = _read_csv_without_header
        return await self._answering.answer(PATH, body, gone, read, _OF_CSV)

    def _read_json(self, body: bytes, predictor: Predictor) -> Impressions | RankBody:
        asked = self._whole.read(body, predictor.settings.max_impressions, predictor.nesting)
        if asked.impressions is UNSET and asked.candidates is UNSET:
            raise RequestError("expected impressions to score, or candidates to rank")
        if asked.candidates is UNSET:
            if asked.context is not UNSET or asked.top is not UNSET:
                raise RequestError("context and top are of candidates, and there are none")
            return Impressions(asked.impressions or [], predictions, asked.explain)
        if asked.impressions is not UNSET:
            raise RequestError("expected impressions or candidates, found both")
        context = {} if asked.context is UNSET else asked.context
        top = None if asked.top is UNSET else asked.top
        return RankBody(asked.candidates, context, top, asked.explain)


def _body(rows: Sample) -> dict[str, Any]:
    return {"impressions": [rows.impression]}


def _line(rows: Sample) -> str:
    return encode(rows.impression).decode() + "\n"


def _table(rows: Sample) -> str:
    """Return a table of one row, whose lists are left out: not every log's can be in a cell."""
    row = {name: value for name, value in rows.impression.items() if not isinstance(value, list)}
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row.keys(), row.values()])
    return text.getvalue()


def _rows_of(asked: Invocation) -> list[Row]:
    return [*(asked.impressions or []), *(asked.candidates or [])]


def _read_lines(body: bytes, predictor: Predictor) -> Impressions:
    most = predictor.settings.max_impressions
    if body.count(b"\n") > most:  # the last of so many may end the last row
        raise RequestError(f"more than {most} impressions (serving.max_impressions)")
    lines = with_nulls(body).split(b"\n")  # at once: line by line takes ten times as long
    if _BLANK.fullmatch(lines[-1]):
        lines.pop()
    if not lines:
        raise RequestError("the body is empty: expected an object of raw fields a line")
    if len(lines) > most:
        raise RequestError(f"{len(lines)} impressions: at most {most} (serving.max_impressions)")
    rows = [read_row(line, place, predictor.nesting) for place, line in enumerate(lines)]
    return Impressions(rows, _write_lines)


def _read_csv(body: bytes, predictor: Predictor) -> Impressions:
    most = predictor.settings.max_impressions
    return Impressions(read_csv(body, predictor.bundle, most, None), _write_csv)


def _read_csv_without_header(body: bytes, predictor: Predictor) -> Impressions:
    bundle, most = predictor.bundle, predictor.settings.max_impressions
    return Impressions(read_csv(body, bundle, most, field_names(bundle)), _write_csv)


def _write_lines(_: Predictor, scored: Scored, __: CountersMode) -> bytes:
    return _LINES.encode_lines(scored.predictions)


def _write_csv(_: Predictor, scored: Scored, __: CountersMode) -> bytes:
    return "".join(f"{made.probability!r}\n" for made in scored.predictions).encode()


_LINES = msgspec.json.Encoder()
