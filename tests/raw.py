"""Small made-up logs in the raw layouts of public data sets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

AVAZU = [
    "id",
    "click",
    "hour",
    "C1",
    "banner_pos",
    "site_id",
    "site_domain",
    "site_category",
    "app_id",
    "app_domain",
    "app_category",
    "device_id",
    "device_ip",
    "device_model",
    "device_type",
    "device_conn_type",
    "C14",
    "C15",
    "C16",
    "C17",
    "C18",
    "C19",
    "C20",
    "C21",
]
FLAGS = ("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime",
         "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery",
         "Romance", "Sci-Fi", "Thriller", "War", "Western")  # fmt: skip
GENRES = ("Adventure", "Comedy", "Drama", "Film-Noir", "Sci-Fi")


def _clicks(rng: np.random.Generator, effect: np.ndarray) -> np.ndarray:
    return (rng.random(len(effect)) < 1 / (1 + np.exp(1.2 - effect))).astype(np.int64)


def _hashes(values: np.ndarray, salt: int) -> list[str]:
    return [f"{(int(value) * 2_654_435_761 + salt * 97) % 2**32:08x}" for value in values]


def write_criteo(folder: Path, rows: int = 2_000, name: str = "train.txt", seed: int = 3) -> Path:
    """Write a log in the layout of Criteo: tab-separated, no header, blanks for missing."""
    rng = np.random.default_rng(seed)
    kinds = rng.zipf(1.6, (rows, 26)).clip(max=500)
    columns: dict[str, object] = {"label": _clicks(rng, 1.5 * (kinds[:, 0] % 3 - 1.0))}
    for place in range(13):
        counts = np.floor(rng.lognormal(1.0, 1.5, rows)).astype(int).tolist()
        blank = rng.random(rows) < 0.2
        columns[f"I{place + 1}"] = [None if b else c for b, c in zip(blank, counts, strict=True)]
    for place in range(26):
        blank = rng.random(rows) < 0.1
        texts = _hashes(kinds[:, place], place)
        columns[f"C{place + 1}"] = [None if b else t for b, t in zip(blank, texts, strict=True)]
    path = folder / name
    pl.DataFrame(columns).write_csv(path, separator="\t", include_header=False)
    return path


def write_avazu(folder: Path, rows: int = 3_000, name: str = "train.csv", seed: int = 3) -> Path:
    """Write a log in the layout of Avazu: hours such as 14102107, ids beyond 64 bits."""
    rng = np.random.default_rng(seed)
    start = datetime(2014, 10, 21, tzinfo=UTC)
    hours = np.sort(rng.integers(0, 240, rows))
    ad, site, device = (
        rng.integers(0, 25, rows),
        rng.zipf(1.8, rows) % 40,
        rng.integers(0, 300, rows),
    )
    click = _clicks(rng, 1.2 * (ad % 3 - 1.0))
    columns: dict[str, object] = {
        "id": [str(10**19 + int(n)) for n in rng.integers(0, 8 * 10**18, rows)],
        "click": click,
        "hour": [(start + timedelta(hours=int(h))).strftime("%y%m%d%H") for h in hours],
        "C1": rng.choice([1005, 1002, 1010], rows, p=[0.9, 0.06, 0.04]),
        "banner_pos": rng.integers(0, 2, rows),
    }
    for place, column in enumerate(AVAZU[5:11]):
        columns[column] = _hashes(site % (40 - 5 * place), place)
    columns["device_id"] = _hashes(np.where(rng.random(rows) < 0.8, 0, device), 20)
    columns["device_ip"] = _hashes(device, 21)
    columns["device_model"] = _hashes(device % 30, 22)
    columns["device_type"] = rng.integers(0, 2, rows)
    columns["device_conn_type"] = rng.choice([0, 2, 3], rows)
    columns["C14"] = 15_700 + ad
    columns["C15"] = rng.choice([320, 300], rows)
    columns["C16"] = rng.choice([50, 250], rows)
    columns["C17"] = 1_700 + ad // 4
    columns["C18"] = ad % 4
    columns["C19"] = rng.choice([35, 39, 163], rows)
    columns["C20"] = rng.choice([-1, 100_084, 100_148], rows)
    columns["C21"] = rng.integers(1, 80, rows)
    path = folder / name
    pl.DataFrame(columns).select(AVAZU).write_csv(path)
    return path


def write_movielens_100k(folder: Path) -> Path:
    """Write ``u.data`` and ``u.item``: tabs, bars, a flag a genre, Latin-1."""
    ratings, movies = _movielens(folder)
    log = ratings.with_columns(pl.col("rating").ceil().cast(pl.Int64))
    log.write_csv(folder / "u.data", separator="\t", include_header=False)
    lines = []
    for number, title, genres in movies.iter_rows():
        flags = "|".join(str(int(genre in genres.split("|"))) for genre in FLAGS)
        lines.append(f"{number}|{title}|01-Jan-1995||http://us.imdb.com/M/{number}|{flags}\n")
    (folder / "u.item").write_text("".join(lines), encoding="latin-1")
    return folder / "u.data"


def write_movielens_1m(folder: Path) -> Path:
    """Write ``ratings.dat`` and ``movies.dat``: ``::``, Latin-1."""
    ratings, movies = _movielens(folder)
    log = ratings.with_columns(pl.col("rating").ceil().cast(pl.Int64))
    for name, table in (("ratings", log), ("movies", movies)):
        lines = ["::".join(map(str, row)) + "\n" for row in table.iter_rows()]
        (folder / f"{name}.dat").write_text("".join(lines), encoding="latin-1")
    return folder / "ratings.dat"


def _movielens(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ratings, as long ago as they are in older releases, and movies with accents."""
    ratings = pl.read_csv(write_movielens(folder))
    movies = pl.read_csv(folder / "movies.csv")
    for name in ("ratings.csv", "movies.csv"):
        (folder / name).unlink()
    ratings = ratings.with_columns((pl.col("timestamp") - 90_000_000).alias("timestamp"))
    return ratings, movies.with_columns(pl.col("title").str.replace("Film", "L\u00e9on"))


def write_movielens(folder: Path, users: int = 80, seed: int = 3) -> Path:
    """Write ``ratings.csv`` (by user, as it comes, not by time) and ``movies.csv``."""
    rng = np.random.default_rng(seed)
    films = 120
    quality = rng.normal(0, 1, films)
    rows = []
    for user in range(1, users + 1):
        begin = int(rng.integers(964_000_000, 1_530_000_000))
        for place, film in enumerate(rng.choice(films, int(rng.integers(20, 50)), replace=False)):
            stars = np.clip(np.round(2 * (3.4 + quality[film] + rng.normal(0, 0.6))) / 2, 0.5, 5)
            rows.append((user, int(film) + 1, float(stars), begin + 40 * place))
    names = ["userId", "movieId", "rating", "timestamp"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(folder / "ratings.csv")
    genres = [
        "|".join(sorted(rng.choice(GENRES, int(rng.integers(1, 4)), replace=False)))
        for _ in range(films - 1)
    ]
    pl.DataFrame(
        {
            "movieId": np.arange(1, films + 1),
            "title": [f'Film, The "{n}" ({1950 + n % 60})' for n in range(films)],
            "genres": [*genres, "(no genres listed)"],
        }
    ).write_csv(folder / "movies.csv")
    return folder / "ratings.csv"
