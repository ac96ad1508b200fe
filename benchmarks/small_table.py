"""A small table of ids alone, with planted interactions: what tells families apart.

    python benchmarks/small_table.py out
    clickthrough compare out/config.yaml --models lr,fm,mlp,dcn_v2 --seeds 3

Its shape is that of a public benchmark of context-aware recommendation (Baltrunas et al., 2015):
202,027 rows, 5,382 ids in 10 fields, a third of them clicked, parts of 7 : 2 : 1 drawn at random.
Its clicks are made up: each id has a weight and a vector; pairs of fields, and two triples,
interact by them. The seed is fixed, the script stands as it was before the first model was fitted
to it, and the probabilities that clicks were drawn with lie beside (``test_truth.csv``).
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

FIELDS = {
    "user": 957, "item": 4_082, "daytime": 7, "weekday": 7, "weekend": 2, "homework": 3, "cost": 2,
    "weather": 9, "country": 80, "city": 233,
}  # fmt: skip
"""Field -> its ids: 5,382 in all."""
ROWS, RANK, CLICKS = 202_027, 6, 1 / 3
PAIRS = {
    ("user", "item"): 2.2, ("item", "daytime"): 0.9, ("item", "country"): 0.7,
    ("user", "cost"): 0.6, ("item", "weather"): 0.5, ("user", "weekday"): 0.5,
    ("item", "homework"): 0.4,
}  # fmt: skip
"""Pair of fields -> the deviation of what it adds to the logit."""
TRIPLES = {("user", "daytime", "weekend"): 0.6, ("item", "city", "daytime"): 0.5}
WEIGHTS = {"user": 1.0, "item": 1.6, "country": 0.4, "city": 0.3, "cost": 0.3, "weather": 0.1}
"""Field -> the deviation of what an id adds by itself."""
_SCALE = 2.2
_PARTS = {"train": 0.7, "validation": 0.2, "test": 0.1}

Floats = NDArray[np.float64]

CONFIG = """\
# Written by benchmarks/small_table.py: ids alone, divided at random.
data:
  reader: tabular
  files: {{train: [train.csv], validation: [validation.csv], test: [test.csv]}}
  roles: {{label: clicked, user: user, item: item}}
  types: {{{types}}}

features:
  - {{kind: categorical, fields: [{fields}], min_count: 1}}

model: {{name: mlp, embedding_dim: 10, hidden: [400, 400, 400], dropout: 0.2}}

training:
  {{batch_size: 4096, learning_rate: 0.001, embedding_l2: 0.05, epochs: 50, patience: 2,
   monitor: auc}}
"""


def ids(rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Draw the ids of all rows: few are frequent, and each occurs."""
    made = {}
    for name, size in FIELDS.items():
        share = rng.permutation(1 / (1 + np.arange(size)) ** 0.8)
        drawn = rng.choice(size, ROWS, p=share / share.sum())
        drawn[rng.choice(ROWS, size, replace=False)] = np.arange(size)
        made[name] = drawn
    return made


def logits(columns: dict[str, NDArray[np.int64]], rng: np.random.Generator) -> Floats:
    """Return what the ids say together, shape (rows,)."""
    total = np.zeros(ROWS)
    for name, deviation in WEIGHTS.items():
        total += _standard(rng.normal(size=FIELDS[name])[columns[name]]) * deviation
    for names, deviation in (PAIRS | TRIPLES).items():
        vectors = [rng.normal(size=(FIELDS[name], RANK))[columns[name]] for name in names]
        total += _standard(np.prod(vectors, axis=0).sum(axis=1)) * deviation
    return total * _SCALE


def _standard(values: Floats) -> Floats:
    return (values - values.mean()) / values.std()


def clicked_by(total: Floats) -> Floats:
    """Return probabilities whose mean is the wanted share of clicks."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _sigmoid(total + middle).mean() < CLICKS else (low, middle)
    return _sigmoid(total + low)


def _sigmoid(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))


def write(folder: Path, seed: int = 7) -> None:
    """Write the three parts, the truth of the test part, and a configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    columns = ids(rng)
    chances = clicked_by(logits(columns, rng))
    clicked = rng.random(ROWS) < chances
    frame = pl.DataFrame({name: [f"{name}{i}" for i in own] for name, own in columns.items()})
    frame = frame.with_columns(clicked=pl.Series(clicked.astype(int)), probability=chances)
    order, start = rng.permutation(ROWS), 0
    for part, share in _PARTS.items():
        end = ROWS if part == "test" else start + round(ROWS * share)
        rows = frame[order[start:end]]
        rows.drop("probability").write_csv(folder / f"{part}.csv")
        rows.select("probability").write_csv(folder / f"{part}_truth.csv")
        start = end
    types = ", ".join(f"{name}: str" for name in FIELDS)
    text = CONFIG.format(types=types, fields=", ".join(FIELDS))
    (folder / "config.yaml").write_text(text)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    write(parser.parse_args().out)


if __name__ == "__main__":
    main()
