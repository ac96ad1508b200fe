"""A synthetic bundle, store and requests, for the benchmarks of serving.

Thirty categorical and ten numeric fields, vocabularies of 100,000 values, counters of item, user
and page with rates, all known to the bundle, the item's ranked within its request; random weights.
"""

from pathlib import Path
from typing import Any

import numpy as np

from clickthrough.bundle.module import input_shape
from clickthrough.bundle.save import Parts, save_bundle
from clickthrough.calibration import Platt
from clickthrough.config.features import Counters
from clickthrough.config.load import parse_config
from clickthrough.config.root import Config
from clickthrough.features.columns import KeySet
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.scaler import Scaler
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.features.history.counters import state_layout
from clickthrough.features.history.keys import key_bytes
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan, make_plan
from clickthrough.models.registry import build_model
from clickthrough.schema import FieldType, Schema
from clickthrough.training.fitted import FittedModule

SIZE = 100_000
CONTEXT = ["user", "page", *(f"context_{i:02}" for i in range(14))]
CANDIDATE = ["item", "campaign", *(f"item_{i:02}" for i in range(12))]
NUMBERS = {"context": [f"moment_{i}" for i in range(4)], "item": [f"size_{i}" for i in range(6)]}
START = 1_700_000_000
Raw = dict[str, Any]


def kind_of(place: int) -> FieldType:
    """Half of the fields are whole numbers, half are texts."""
    return "str" if place % 2 else "int"


CATEGORICAL = {name: kind_of(place) for place, name in enumerate([*CONTEXT, *CANDIDATE])}
ROLES = {name: name for name in ("request_id", "time", "user", "item", "label")}
NUMERIC = [name for names in NUMBERS.values() for name in names]


def schema() -> Schema:
    """Return what a log of these fields is."""
    fields: dict[str, FieldType] = {"request_id": "str", **CATEGORICAL}
    fields |= dict.fromkeys(NUMERIC, "float")
    return Schema.model_validate({"roles": ROLES, "fields": fields})


def config(folder: Path) -> Config:
    """Return the declaration of the features, and the model."""
    counters = [
        {"kind": "counter", "key": "item", "half_lives": ["6h"], "relative": ["rank"]},
        {"kind": "counter", "key": "user", "half_lives": ["1d"]},
        {"kind": "counter", "key": "page", "half_lives": ["6h"]},
    ]
    return parse_config(
        {
            "data": {"reader": "tabular", "path": str(folder / "none.csv"), "roles": ROLES},
            "features": [
                {"kind": "categorical", "fields": [*CATEGORICAL]},
                {"kind": "numeric", "fields": NUMERIC},
                *counters,
            ],
            "model": {"hidden": [512, 256, 128], "embedding_dim": 16},
        },
        "benchmark",
    )


def value_of(name: str, number: int) -> int | str:
    """Return one of a field's values."""
    return number * 7_919 + 13 if CATEGORICAL[name] == "int" else f"{name[:3]}-{number:x}"


def vocabulary(name: str) -> Vocabulary:
    """Return the known values of a field."""
    values = [value_of(name, number) for number in range(SIZE)]
    if CATEGORICAL[name] == "int":
        return Vocabulary(np.sort(np.array(values, np.int64)))
    return Vocabulary(np.sort(np.array(values, np.bytes_)))


def random_inputs(encoder: Encoder, rows: int) -> Encoded:
    """Return random encoded rows, on which the exported graph is checked."""
    rng = np.random.default_rng(5)
    ids = rng.integers(0, list(encoder.id_sizes.values()), (rows, len(encoder.id_sizes)))
    numbers = rng.normal(size=(rows, len(encoder.numeric_names))).astype(np.float32)
    sizes = [size for size, length in encoder.bag_shapes.values() for _ in range(length)]
    bag_ids = rng.integers(0, np.array(sizes, np.int64), (rows, len(sizes))).astype(np.int32)
    bag_weights = np.full((rows, len(sizes)), 0.1, np.float32)
    return Encoded(ids.astype(np.int32), numbers, bag_ids, bag_weights)


def snapshot(key_set: KeySet, counters: Counters) -> Snapshot:
    """Return counters of nearly all values of a key, as of a day before the requests."""
    (field,), rng = key_set.fields, np.random.default_rng(6)
    layout, keys = state_layout(key_set, counters), np.arange(SIZE - SIZE // 50)
    shown = rng.gamma(0.5, 40.0, len(keys)).round() + 1
    counts = np.stack([shown, rng.binomial(shown.astype(int), 0.1)], axis=1)
    ticks = np.full(len(keys), float(START // counters.tick))
    states = layout.add(layout.empty(len(keys)), keys, ticks, counts)
    names = (key_bytes(key_set.name, [value_of(field, number)]) for number in keys.tolist())
    packed = zip(names, layout.pack(states), strict=True)
    return Snapshot.of({name: state for name, state in packed if name is not None})


def make_bundle(folder: Path) -> Path:
    """Write the bundle with the project's own functions; return its directory."""
    settings, declared = config(folder), schema()
    plan: Plan = make_plan(settings.features, settings.counters, declared, "UTC")
    scalers = {
        column.name: Scaler(0.1, -9.0, 9.0, 0.2, 1.3, indicator=True) for column in plan.numeric
    }
    words = {field: vocabulary(field) for field in plan.vocabularies}
    encoder = Encoder(plan, words, scalers, 0.1)
    model = build_model(settings.model, input_shape(encoder, settings.model))
    (folder / "model").mkdir(parents=True)
    FittedModule(model).write(folder / "model", random_inputs(encoder, 64))
    parts = Parts(
        config=settings,
        schema=declared,
        encoder=encoder,
        model=folder / "model",
        calibrator=Platt(slope=0.9, intercept=-0.1),
        snapshots={k.name: snapshot(k, plan.counters) for k in plan.key_sets},
        counters_until=START * 1_000_000,
        metrics={"test": None},
    )
    place = folder / "bundle"
    save_bundle(place, parts)
    return place


class Requests:
    """Random requests; values are drawn evenly, which suits no cache, or with a skew."""

    def __init__(self, seed: int = 1, skew: float = 1.0) -> None:
        self._rng = np.random.default_rng(seed)
        self._skew = skew
        self._made = 0

    def _fields(self, names: list[str], numbers: list[str]) -> Raw:
        drawn = (SIZE * 1.02 * self._rng.random(len(names)) ** self._skew).astype(int).tolist()
        row: Raw = {n: value_of(n, number) for n, number in zip(names, drawn, strict=True)}
        row |= dict(zip(numbers, self._rng.gamma(2.0, 1.0, len(numbers)).tolist(), strict=True))
        if self._rng.random() < 0.1:
            row[names[-1]] = None
        return row

    def request(self, candidates: int) -> tuple[Raw, list[Raw]]:
        """Return the context and the candidates of a request."""
        self._made += 1
        context = self._fields(CONTEXT, NUMBERS["context"])
        context |= {"request_id": f"r{self._made}", "time": START + 86_400 + self._made}
        return context, [self._fields(CANDIDATE, NUMBERS["item"]) for _ in range(candidates)]

    def impression(self) -> Raw:
        """Return an impression with all its fields."""
        context, (candidate,) = self.request(1)
        return {**context, **candidate}

    def events(self, count: int, over_seconds: int = 86_400) -> list[Raw]:
        """Return impressions before the requests, a tenth of them with their click."""
        made: list[Raw] = []
        for number in range(count):
            row = {**self.impression(), "time": START + number * over_seconds // count}
            made.append({**row, "type": "impression"})
            if number % 10 == 0:
                names = ("request_id", "item", "time")
                made.append({"type": "click", **{name: row[name] for name in names}})
        return made
