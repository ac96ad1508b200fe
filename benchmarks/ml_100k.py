"""MovieLens 100K, out of RecBole's package, as the preset ``movielens`` reads it.

pip download recbole --no-deps
python benchmarks/ml_100k.py recbole-*.whl ml-100k
clickthrough compare movielens --data ml-100k --models mlp,final_net,lightgbm,lr --seeds 3
"""

import argparse
import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

FOLDER = "recbole/dataset_example/ml-100k/ml-100k"


def written(path: Path, names: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def table(wheel: zipfile.ZipFile, kind: str) -> list[list[str]]:
    """Return the rows of a file of the package, less its header."""
    text = wheel.read(f"{FOLDER}.{kind}").decode()
    return [*csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)][1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(chosen.wheel) as wheel:
        ratings, movies = table(wheel, "inter"), table(wheel, "item")
    written(chosen.out / "ratings.csv", ["userId", "movieId", "rating", "timestamp"], ratings)
    kept = ([number, title, "|".join(genres.split())] for number, title, _, genres in movies)
    written(chosen.out / "movies.csv", ["movieId", "title", "genres"], kept)


if __name__ == "__main__":
    main()
