"""Loading a vocabulary of ten million ids by memory map, and the first request's look-ups.

python benchmarks/vocabulary.py --millions 10
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from clickthrough.features.encoding.vocabulary import Vocabulary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--millions", type=float, default=10)
    size = int(parser.parse_args().millions * 1_000_000)
    rng = np.random.default_rng(7)
    numbers = np.unique(rng.integers(0, 2**62, size))
    texts = np.unique(np.char.mod("user-%012d", rng.integers(0, 10**12, size)).astype(np.bytes_))
    table = Table("ids", "type", "load ms", "100 look-ups ms", title="vocabulary")
    with tempfile.TemporaryDirectory() as folder:
        for kind, values in (("int", numbers), ("str", texts)):
            path = Path(folder) / f"{kind}.npy"
            np.save(path, values)
            asked = rng.choice(values, 100)
            start = time.perf_counter()
            vocabulary = Vocabulary(np.load(path, mmap_mode="r", allow_pickle=False))
            loaded = time.perf_counter()
            ids = vocabulary.encode(asked)
            done = time.perf_counter()
            assert (ids > 1).all()
            row = [(loaded - start) * 1e3, (done - loaded) * 1e3]
            table.add_row(f"{len(values):,}", kind, *(f"{figure:.2f}" for figure in row))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
