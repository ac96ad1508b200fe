"""Small logs in any dialect that files of logs have, and the same logs as plain CSV.

A log is a table of Python's values; a dialect says how each is written. What is written in any
dialect means what the plain one means, so that a model is the same to the last bit.
"""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

Row = dict[str, Any]
CITIES = {
    "utf-8": ("Åre", "北京", "Kraków", "São Paulo", "Москва"),
    "western": ("Åre", "Malmö", "São Paulo", "Zürich", "Besançon"),
    "gb18030": ("北京", "上海", "广州", "深圳市", "成都"),
    "cp1251": ("Москва", "Казань", "Новосибирск", "Самара", "Уфа"),
    "cp932": ("東京", "大阪", "スポーツ", "ニュース", "名古屋"),
}
"""Texts beyond ASCII, by the encodings that have them."""
SLOTS = ("side", "feed, left", 'the "top"', "driver's")
TIMES: dict[str, Callable[[datetime], object]] = {
    "iso": lambda t: t.strftime("%Y-%m-%d %H:%M:%S"),
    "iso T": lambda t: t.strftime("%Y-%m-%dT%H:%M:%S"),
    "iso Z": lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "iso fraction": lambda t: t.strftime("%Y-%m-%d %H:%M:%S.000"),
    "iso offset": lambda t: (t + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00"),
    "iso offset, no colon": lambda t: (t - timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S -0800"),
    "s": lambda t: int(_since(t)),
    "s as a fraction": lambda t: f"{_since(t):.1f}",
    "ms": lambda t: int(_since(t) * 1_000),
    "us": lambda t: int(_since(t) * 1_000_000),
    "ns": lambda t: int(_since(t)) * 1_000_000_000,
    "digits": lambda t: t.strftime("%Y%m%d%H%M%S"),
    "german": lambda t: t.strftime("%d.%m.%Y %H:%M:%S"),
    "american, 12 hours": lambda t: t.strftime("%m/%d/%Y %I:%M:%S %p"),
    "british": lambda t: t.strftime("%d/%m/%Y %H:%M:%S"),
    "slashes": lambda t: t.strftime("%Y/%m/%d %H:%M:%S"),
    "access log": lambda t: t.strftime("%d/%b/%Y:%H:%M:%S +0000"),
    "named month": lambda t: t.strftime("%d-%b-%Y %H:%M:%S"),
}
LABELS: dict[str, tuple[object, object]] = {
    "0 and 1": (0, 1),
    "-1 and 1": (-1, 1),
    "fractions": ("0.0", "1.0"),
    "true and false": ("false", "true"),
    "True and False": ("False", "True"),
    "yes and no": ("no", "yes"),
    "Y and N": ("N", "Y"),
    "t and f": ("f", "t"),
    "clicked and not clicked": ("not clicked", "clicked"),
}
ODD_LABELS: dict[str, tuple[object, object]] = {
    "won and lost": ("lost", "won"),
    "clicks alone": (1, 1),
}
"""Labels that mean nothing by themselves, or of which nothing can be learned."""
MARKS = ("", "NULL", "\\N", "NA", "?", "null", "NaN", "N/A", "None", "-")


@dataclass(frozen=True)
class Dialect:
    """How a log is written; by default as plain CSV.

    Attributes:
        kind: of file.
        time: a key of ``TIMES``.
        label: a key of ``LABELS``.
        quoting: which cells stand in quotes.
        missing: what stands for no value.
        types: of Parquet's columns.
        header: what is odd about it.
        above: lines above it.
        blank_lines: at the end.
        packed: compressed with.
        nested: whether JSON lines hold the user as an object.
    """

    kind: Literal["csv", "parquet", "jsonl"] = "csv"
    separator: str = ","
    quoting: Literal["few", "all", "texts"] = "few"
    quote: str = '"'
    escape: bool = False
    encoding: str = "utf-8"
    newline: str = "\n"
    around: tuple[str, str] = ("", "")
    missing: str = ""
    decimal: str = "."
    thousands: str = ""
    time: str = "iso"
    label: str = "0 and 1"
    comments: Literal["none", "above", "between"] = "none"
    above: tuple[str, ...] = ()
    header: Literal["plain", "index", "unnamed index", "twice", "mark"] = "plain"
    blank_lines: int = 0
    packed: Literal["", ".gz"] = ""
    suffix: str = ""
    types: Literal["usual", "narrow", "coded", "wide", "zoned", "dates"] = "usual"
    nested: bool = False


PLAIN = Dialect()


def a_log(seed: int, rows: int = 90, cities: str = "utf-8", gaps: bool = False) -> list[Row]:
    """Return impressions of a log in order of time.

    Args:
        seed: of all chance.
        rows: how many.
        cities: a key of ``CITIES``.
        gaps: whether values are missing here and there.
    """
    rng = np.random.default_rng(seed)
    start = datetime(2024, 3, 4, 6)
    made = []
    for row in range(rows):
        bid = round(float(rng.lognormal(0, 1)), 2)
        made.append({
            "time": start + timedelta(minutes=317 * row),
            "user_id": int(rng.integers(1, 20)) + 1_000,
            "ad_id": int(rng.integers(500, 530)),
            "slot": str(rng.choice(SLOTS)),
            "city": str(rng.choice(CITIES[cities])),
            "bid": bid if bid != int(bid) else bid + 0.25,
            "views": int(rng.lognormal(7, 2)),
            "click": int(rng.random() < 0.2 + 0.05 * (row % 7)),
        })  # fmt: skip
        if gaps:
            made[-1] |= {n: None for n in ("slot", "bid", "views") if rng.random() < 0.15}
    return made


def write(log: list[Row], dialect: Dialect, folder: Path) -> Path:
    """Write a log into a folder; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    if dialect.kind == "parquet":
        frame(log, dialect).write_parquet(folder / "log.parquet")
        return folder / "log.parquet"
    text = lines_of(log, dialect) if dialect.kind == "jsonl" else csv_of(log, dialect)
    content = text.encode(dialect.encoding)
    path = folder / f"log{dialect.suffix or '.' + dialect.kind}{dialect.packed}"
    path.write_bytes(gzip.compress(content) if dialect.packed else content)
    return path


def csv_of(log: list[Row], dialect: Dialect) -> str:
    """Return a log as CSV."""
    names, rows = _cells(log, dialect)
    out = [*dialect.above]
    if dialect.comments != "none":
        out.append("# exported from the warehouse, all impressions of March")
    out += [_row(names, dialect, texts=True), *(_row(row, dialect) for row in rows)]
    if dialect.comments == "between":
        out.insert(len(out) // 2, "# half of it")
    end = dialect.newline
    text = end.join(out) + end * (1 + dialect.blank_lines)
    return ("\ufeff" if dialect.header == "mark" else "") + text


def lines_of(log: list[Row], dialect: Dialect) -> str:
    """Return a log as JSON lines."""
    lines = []
    for row in log:
        made = {**row, "time": TIMES[dialect.time](row["time"]), "click": _label(row, dialect)}
        if dialect.missing == "absent":
            made = {name: value for name, value in made.items() if value is not None}
        elif dialect.missing:
            made = {name: dialect.missing if value is None and name == "slot" else value
                    for name, value in made.items()}  # fmt: skip
        if dialect.nested:
            made = _nested(made)
        lines.append(json.dumps(made, ensure_ascii=dialect.encoding == "ascii"))
    return dialect.newline.join(lines) + dialect.newline * (1 + dialect.blank_lines)


def frame(log: list[Row], dialect: Dialect) -> pl.DataFrame:
    """Return a log as a table of Parquet."""
    made = pl.DataFrame(log).with_columns(pl.col("time").cast(pl.Datetime("us")))
    bent: dict[str, list[pl.Expr]] = {
        "usual": [],
        "narrow": [pl.col("user_id", "ad_id").cast(pl.Int16), pl.col("click").cast(pl.Int8),
                   pl.col("views").cast(pl.Int32)],
        "coded": [pl.col("slot", "city").cast(pl.Categorical), pl.col("click").cast(pl.Boolean)],
        "wide": [pl.col("user_id", "ad_id").cast(pl.UInt64), pl.col("click").cast(pl.Float64),
                 pl.col("bid").cast(pl.Decimal(18, 2))],
        "zoned": [pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")],
        "dates": [pl.col("time").cast(pl.Datetime("ns")), pl.col("click").cast(pl.UInt8)],
    }  # fmt: skip
    made = made.with_columns(bent[dialect.types])
    if dialect.time != "iso":
        times = pl.Series("time", [TIMES[dialect.time](row["time"]) for row in log])
        made = made.with_columns(times)
    return made


def plainly(log: list[Row], dialect: Dialect, folder: Path) -> Path:
    """Write a log as plain CSV, with the columns that it has in a dialect."""
    header: Any = "twice" if dialect.header == "twice" else "plain"
    if dialect.nested:
        log = [_flat(_nested(row)) for row in log]
    plain = replace(PLAIN, header=header)
    folder.mkdir(parents=True, exist_ok=True)
    names, rows = _cells(log, plain)
    names = [f"{name}_2" if name in names[:place] else name for place, name in enumerate(names)]
    lines = [_row(names, plain, texts=True), *(_row(row, plain) for row in rows)]
    text = "\n".join(lines) + "\n"
    (folder / "log.csv").write_text(text, encoding="utf-8")
    return folder / "log.csv"


def _cells(log: list[Row], dialect: Dialect) -> tuple[list[str], list[list[object]]]:
    """Return the header and the cells of a log: texts are written, all else is a number."""
    names = [*log[0]]
    rows = [[_cell(name, row, dialect) for name in names] for row in log]
    if dialect.header == "twice":
        names, rows = [*names, "slot"], [[*row, _cell("slot", of, dialect)]
                                         for row, of in zip(rows, log, strict=True)]  # fmt: skip
    if dialect.header in ("index", "unnamed index"):
        names = ["" if dialect.header == "unnamed index" else "Unnamed: 0", *names]
        rows = [[place, *row] for place, row in enumerate(rows)]
    return names, rows


def _cell(name: str, row: Row, dialect: Dialect) -> object:
    value = row[name]
    if value is None:
        return _Text(dialect.missing)
    if name == "time":
        return TIMES[dialect.time](value)
    if name == "click":
        return _label(row, dialect)
    if isinstance(value, float):
        whole, _, digits = f"{value!r}".partition(".")
        return _Text(f"{_grouped(int(whole), dialect)}{dialect.decimal}{digits}")
    if name == "views":
        return _Text(_grouped(value, dialect))
    return value


class _Text(str):
    """What is written as it is: a number as people have it, or what stands for none."""

    __slots__ = ()


def _grouped(number: int, dialect: Dialect) -> str:
    return f"{number:,}".replace(",", dialect.thousands)


def _label(row: Row, dialect: Dialect) -> object:
    return (LABELS | ODD_LABELS)[dialect.label][row["click"]]


def _row(cells: Sequence[object], dialect: Dialect, texts: bool = False) -> str:
    """Return a row as a line."""
    made: list[str] = []
    for cell in cells:
        text = str(cell)
        free = isinstance(cell, _Text) or not isinstance(cell, str)
        needs = any(sign in text for sign in (dialect.separator, dialect.quote, "\n", "\r"))
        if needs or dialect.quoting == "all" or (dialect.quoting == "texts" and not free):
            double = "\\" + dialect.quote if dialect.escape else dialect.quote * 2
            text = text.replace("\\", "\\\\") if dialect.escape else text
            text = f"{dialect.quote}{text.replace(dialect.quote, double)}{dialect.quote}"
        made.append(text if not made and texts else f"{dialect.around[0]}{text}{dialect.around[1]}")
    return dialect.separator.join(made)


def _nested(row: Row) -> Row:
    """Return a row whose user and advertisement are objects."""
    made: Row = {}
    for name, value in row.items():
        if name in ("user_id", "city"):
            made.setdefault("user", {})["id" if name == "user_id" else name] = value
        else:
            made[name] = value
    return made


def _flat(row: Row) -> Row:
    made: Row = {}
    for name, value in row.items():
        if isinstance(value, dict):
            made |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            made[name] = value
    return made


def _since(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()
