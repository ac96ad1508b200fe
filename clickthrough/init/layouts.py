"""Logs in a known layout: the preset's own text, with the path filled in."""

import json
import re
from importlib import resources
from pathlib import Path

import polars as pl

from clickthrough.config.load import preset_names
from clickthrough.data.movielens import is_ratings
from clickthrough.data.unpack import inner_name
from clickthrough.errors import DataError
from clickthrough.init.quoting import quoted
from clickthrough.init.sampled import Sample
from clickthrough.presets.places import first_line, form_of_ratings, present

_DIRECTORIES = {
    "outbrain": ("clicks_train.csv", "events.csv", "promoted_content.csv"),
    "ebnerd": ("behaviors.parquet", "history.parquet"),
}
_AVAZU = {"click", "hour", "banner_pos", "site_id", "app_id", "device_ip", "C14", "C21"}
_RATINGS = {"userId", "movieId", "rating", "timestamp"}
_HEX = r"^[0-9a-f]{8}$"


def layout_of_directory(data: Path) -> str | None:
    """Return the preset whose files a directory holds, if any.

    A file whose side tables lie beside it stands for its directory.

    Raises:
        DataError: a file that the preset alone can read lacks a side table.
    """
    folder = data if data.is_dir() else data.parent
    held = {inner_name(path) for path in folder.iterdir()} if folder.is_dir() else set()
    for preset, names in _DIRECTORIES.items():
        named = data.is_dir() or inner_name(data) == names[0]
        if named and set(names) <= held and preset in preset_names():
            return preset
    return "movielens" if _is_movielens(data) else None


def _is_movielens(data: Path) -> bool:
    """Tell ratings, of any name and release, beside the table of movies."""
    folder = data if data.is_dir() else data.parent
    ratings = present(data / "ratings.csv") if data.is_dir() else data
    line = first_line(ratings)
    if present(folder / "movies.csv").is_file():
        return is_ratings(line)
    if is_ratings(line) and b"::" in line:  # which only the preset reads
        raise DataError(f"{ratings}: ratings of MovieLens; expected movies.dat beside them")
    return False


def layout_of_table(sample: Sample) -> str | None:
    """Return the preset whose columns a table has, if any."""
    if set(sample.rows.columns) >= _AVAZU:
        return "avazu"
    return "criteo" if _is_criteo(sample) else None


def _is_criteo(sample: Sample) -> bool:
    """Tell a label, 13 whole numbers and 26 hashes of 32 bits, divided by tabs."""
    rows = sample.rows
    if sample.form.columns is None or sample.form.separator != "\t" or rows.width != 40:
        return False
    if not rows.to_series(0).is_in(["0", "1"]).all():
        return False
    whole = all(_all_match(rows.to_series(place), r"^-?\d+$") for place in range(1, 14))
    return whole and all(_all_match(rows.to_series(place), _HEX) for place in range(14, 40))


def _all_match(texts: pl.Series, pattern: str) -> bool:
    known = texts.drop_nulls()
    return bool(known.filter(known != "").str.contains(pattern).all())


def preset_text(name: str, data: Path, folder: Path) -> str:
    """Return a preset's text with the paths of a log.

    Args:
        name: of the preset.
        data: the log, a file or a directory as the preset's reader wants it.
        folder: where the configuration will lie; a path beneath it is written relative to it.
    """
    file = resources.files("clickthrough.presets") / f"{name}.yaml"
    text = file.read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("# clickthrough train ")]
    text = "\n".join([*_said(data, name), *kept]) + "\n"
    named = re.search(r"^  path: (.*)$", text, re.MULTILINE)
    if "reader: tabular" not in text:
        data = data if data.is_dir() else data.parent
    elif data.is_dir() and named is not None:
        data = present(data / Path(named[1]).name)
    lines = [f"  path: {_path(data, folder)}"]
    if name == "movielens":
        lines += [f"  {key}: {json.dumps(value)}" for key, value in form_of_ratings(data).items()]
    text = re.sub(r"^  path: .*$", lambda _: "\n".join(lines), text, flags=re.M)

    def beside(match: re.Match[str]) -> str:
        return f"file: {_path(present(data.parent / match[1]), folder)}"

    def called(match: re.Match[str]) -> str:
        return present(data.parent / match[0]).name

    text = re.sub(r"\bfile: ([\w./-]+)", beside, text)
    return re.sub(r"(?<=lookup: \{)[\w-]+\.csv\b", called, text)


def relative(path: Path, folder: Path) -> str:
    """Write a path as a configuration in a folder should name it."""
    path, folder = path.resolve(), folder.resolve()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _path(path: Path, folder: Path) -> str:
    return quoted(relative(path, folder))


def _said(data: Path, name: str) -> list[str]:
    shown = "".join(sign if sign.isprintable() else " " for sign in data.name)
    return [f"# `clickthrough init` found the layout of the preset '{name}' in {shown}.", "#"]
