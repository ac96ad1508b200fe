"""Making known answers: requests whose answers no event can change.

What is counted is counted by the values of some fields. A request that gives each of these a value
that nobody sends, or none at all, is answered from the bundle alone, whatever a store holds; its
moment is one of the log's.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clickthrough.bundle.load import Bundle
from clickthrough.features.plan import Plan
from clickthrough.schema import FieldType
from clickthrough.serving.predictor import Predictor
from deploy.ci.answers import Answers, Question

Row = dict[str, Any]
_NOBODY = -1_000_000_000_000
"""Numbers below are nobody's."""
_OTHERS: dict[FieldType, list[Any]] = {
    "int": [1, 2, 3], "float": [0.5, 1.5, 4.0], "str": ["a", "b", "c"], "bool": [True, False],
    "ints": [[1], [2, 3]], "floats": [[0.5, 1.5], [1.0]], "strs": [["a"], ["b", "c"]],
}  # fmt: skip
"""What fields say that have no vocabulary."""


def known_answers(place: Path) -> Answers:
    """Return what a bundle answers to requests that no event changes the answers of.

    Args:
        place: the bundle's directory.

    Raises:
        BundleError: it cannot be used.
    """
    predictor = Predictor.load(place, "memory")
    try:
        questions = [_answered(predictor, path, body) for path, body in _asked(predictor)]
        return Answers(predictor.scorer.version, questions)
    finally:
        predictor.close()


def counted_fields(plan: Plan) -> set[str]:
    """Return fields that nobody's values go into: one at least of each key that is counted."""
    keys = [k.fields for k in plan.key_sets] + [s.key for s in plan.sequence_sets]
    chosen = {field for key in keys for field in key if field in ("user", "item")}
    for key in sorted(keys, key=len):
        if not chosen & set(key):
            chosen.add(key[0])
    return chosen


def _asked(predictor: Predictor) -> Iterable[tuple[str, Row]]:
    """Yield requests: single impressions, one request of several, what is left out, a ranking."""
    made = _Rows(predictor.bundle)
    most = min(4, predictor.settings.max_impressions)
    yield "/predict", {"impressions": [made.row(n) | made.request(n) for n in range(most)]}
    together = [made.row(n) | made.request(most) for n in range(most, 2 * most)]
    yield "/predict", {"impressions": together}
    # each request has an id of its own, so that all of them may stand in one file
    bare = [made.row(n, counted=True) | made.request(10 + n) for n in range(most)]
    yield "/predict", {"impressions": bare}
    candidates = [made.row(n, user=False) for n in range(2 * most, 3 * most)]
    context = made.request(20) | made.user()
    yield "/rank", {"context": context, "candidates": candidates}


class _Rows:
    """Makes the rows of requests, by the names of the log.

    Args:
        bundle: whose fields they have.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle, self._counted = bundle, counted_fields(bundle.plan)
        self._fields = list(dict.fromkeys([*bundle.plan.fields, *self._present(["item"])]))
        last = bundle.schema.last
        moment = None if last is None else datetime.fromtimestamp(last // 1_000_000, UTC)
        self._moment = moment.isoformat() if moment else bundle.manifest.counters_until

    def row(self, number: int, user: bool = True, counted: bool = False) -> Row:
        """Return an impression.

        Args:
            number: another one for another impression.
            user: whether it names its user.
            counted: whether it has the fields alone by which is counted.
        """
        fields = [f for f in self._fields if f != "request_id" and (user or f != "user")]
        if counted:
            fields = [f for f in fields if f in self._counted] or fields
        return {self._named(field): self._value(field, number) for field in fields}

    def request(self, number: int) -> Row:
        """Return what names a request and its moment."""
        time = {self._named("time"): self._moment} if "time" in self._bundle.schema.roles else {}
        return {self._named("request_id"): f"known-{number}", **time}

    def user(self) -> Row:
        """Return the user of a ranking."""
        return {self._named(name): self._value(name, 99) for name in self._present(["user"])}

    def _present(self, names: list[str]) -> list[str]:
        return [name for name in names if name in self._bundle.schema.fields]

    def _named(self, field: str) -> str:
        return self._bundle.schema.input_name(field)

    def _value(self, field: str, number: int) -> object:
        kind = self._bundle.schema.fields[field]
        if field in self._counted:
            return _nobodys(kind, number)
        known = self._bundle.encoder.vocabularies.get(field)
        if known is None or len(known.values) == 0:
            return _OTHERS[kind][number % len(_OTHERS[kind])]
        size = len(known.values)
        own = [_plain(known.values[(number + step) % size]) for step in range(2)]
        return own if kind in ("ints", "floats", "strs") else own[0]


def _nobodys(kind: FieldType, number: int) -> object:
    """Return a value that no log holds; None of a type that has too few."""
    of: Row = {"str": f"nobody-{number}", "int": _NOBODY - number, "float": float(_NOBODY - number)}
    return of.get(kind)


def _plain(value: object) -> object:
    """Return a value of a vocabulary as JSON has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return int(value)  # type: ignore[call-overload]


def _answered(predictor: Predictor, path: str, body: Row) -> Question:
    """Return a request with the bundle's answer."""
    if path == "/predict":
        given = [each.probability for each in predictor.predict(body["impressions"]).predictions]
        return Question(path, body, given)
    ranking = predictor.rank(body["context"], body["candidates"])
    pairs = sorted(zip(ranking.order, ranking.predictions, strict=True), key=lambda pair: pair[0])
    return Question(path, body, [prediction.probability for _, prediction in pairs])
