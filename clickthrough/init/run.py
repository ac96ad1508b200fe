"""``clickthrough init``: look at a log, and write a configuration that trains as it stands."""

import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from clickthrough.config.data import FRAME
from clickthrough.config.json_schema import written
from clickthrough.config.load import load_config, load_text
from clickthrough.config.root import Config
from clickthrough.data.unpack import unpacking
from clickthrough.errors import ConfigError, DataError
from clickthrough.init.declare import declare
from clickthrough.init.kinds import Made, kinds
from clickthrough.init.layouts import layout_of_directory, layout_of_table, preset_text, relative
from clickthrough.init.notes import notes
from clickthrough.init.profile import Profile, profile
from clickthrough.init.roles import Guess, Named, guess_roles
from clickthrough.init.sample import read_sample, sample_of_frame
from clickthrough.init.sampled import Sample
from clickthrough.init.tables import Tables, find_tables, with_sides
from clickthrough.init.text import Source, write_config
from clickthrough.schema_file import FIRST_LINE, NAME
from clickthrough.whole_file import write_whole

_UNPACKED = Path(".clickthrough/cache")


@dataclass(frozen=True)
class Line:
    """What a column is and becomes, as the user is shown it."""

    column: str
    type: str
    distinct: str
    becomes: str
    why: str


@dataclass(frozen=True)
class Looked:
    """What was found by looking at a log.

    Attributes:
        text: a commented configuration that trains as it stands.
        found: what was looked at, in a line.
        lines: a column each; none where a preset's reader knows the log.
        notes: what may be wrong about the guesses; they stand in the configuration as well.
    """

    text: str
    found: str
    lines: list[Line]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Written(Looked):
    """What init did.

    Attributes:
        config: the file that was written, beside the schema that its first line names.
    """

    config: Path


def init(data: Path, out: Path, named: Named | None = None, force: bool = False) -> Written:
    """Look at a log and write a commented configuration for it.

    Args:
        data: a table file, plain or compressed; a directory of some, or a pattern.
        out: the configuration; it appears whole or not at all.
        named: columns whose part is given; a known layout is then not looked for.
        force: whether a file that stands there is replaced.

    Raises:
        ConfigError: a file stands there, or none can be written there.
        DataError: there is no log, a named column is not in it, or its label cannot be told.
    """
    if out.is_dir():
        raise ConfigError(f"{out}: is a directory; name a file with --out")
    if out.exists() and not force:
        raise ConfigError(f"{out}: exists; replace it with --force, or name another with --out")
    try:
        looked = look(data, named, out.parent)
        _write(out, looked.text)
    except OSError as error:
        raise ConfigError(f"{data} -> {out}: {error}") from None
    return Written(**vars(looked), config=out)


def look(data: Path, named: Named | None = None, folder: Path = Path()) -> Looked:
    """Look at a log.

    Args:
        data: a table file, plain or compressed; a directory of some, or a pattern.
        named: columns whose part is given; a known layout is then not looked for.
        folder: what paths in the configuration are relative to.

    Raises:
        DataError: there is no log, a named column is not in it, or its label cannot be told.
    """
    named = named or Named()
    if named == Named():
        known = layout_of_directory(data)
        if known is not None:
            return _from_preset(known, data, folder, None)
    with unpacking(folder / _UNPACKED) as plain:
        tables = find_tables(data, plain, named)
        known = layout_of_table(tables.main) if named == Named() else None
        if known is not None and not tables.files and len(tables.paths) == 1:
            return _from_preset(known, tables.paths[0], folder, tables.main)
        rows = with_sides(tables.main, tables.sides, plain, named.encoding)
    return _from_guesses(tables, profile(rows, tables.main.exact), named, folder)


def look_at_frame(rows: pl.DataFrame, named: Named | None = None, name: str = "frame") -> Looked:
    """Look at a frame as at a Parquet file of its rows; see :func:`look`.

    Args:
        rows: an impression a row.
        named: columns whose part is given.
        name: how errors call it.

    Raises:
        DataError: a named column is not in it, or its label cannot be told.
    """
    sample = sample_of_frame(rows.lazy(), Path(name))
    looked = profile(sample.rows, sample.exact)
    return _from_guesses(Tables(sample), looked, named or Named(), None)


def _from_preset(name: str, data: Path, folder: Path, sample: Sample | None) -> Looked:
    text = preset_text(name, data, folder)
    config = load_text(text, f"preset '{name}'", folder)
    if sample is None and config.data.reader == "tabular":
        with unpacking(folder / _UNPACKED) as plain:
            sample = read_sample(plain(config.data.paths[0]))
    found = f"{data}: the layout of the preset '{name}'"
    if sample is None or config.data.reader != "tabular":
        return Looked(text, found, [])
    names = config.data.columns or sample.rows.columns
    looked = profile(sample.rows.rename(dict(zip(sample.rows.columns, names, strict=True))))
    becomes = _parts_of(config)
    lines = [
        Line(c.name, c.type, f"{c.distinct:,}", becomes.get(c.name, ""), f"preset '{name}'")
        for c in looked.columns.values()
    ]
    return Looked(text, f"{found}; {sample.seen} were looked at", lines)


def _parts_of(config: Config) -> dict[str, str]:
    """Return what a configuration makes of columns: a role, a kind, or nothing."""
    assert config.data.reader == "tabular"  # noqa: S101
    roles = config.data.roles.model_dump(exclude_none=True)
    parts: dict[str, list[str]] = {column: [role] for role, column in roles.items()}
    for feature in config.features:
        given = feature.model_dump()
        for name in [*given.get("fields", []), *([given["field"]] if "field" in given else [])]:
            kinds_of = parts.setdefault(str(roles.get(name, name)), [])
            kinds_of.append(feature.kind)
    dropped = dict.fromkeys(config.data.drop, "drop")
    return {name: ", ".join(dict.fromkeys(kinds_of)) for name, kinds_of in parts.items()} | dropped


def _from_guesses(tables: Tables, looked: Profile, named: Named, folder: Path | None) -> Looked:
    """Declare what a log's columns look like; without a folder for paths it is a frame."""
    main = tables.main
    guess = guess_roles(looked, named, str(main.path))
    made = kinds(looked, guess, main.total)
    features = declare(looked, guess, made, main.total or len(main.rows))
    if not features:
        why = "; ".join(f"{m.column.name}: {m.reason}" for m in made) or "there are no others"
        raise DataError(
            f"{main.path}: no feature can be made of its columns ({why}); "
            "name ids that come back with --user or --item"
        )
    told = [*main.notes, *_of_form(main), *tables.notes, *_left(tables),
            *notes(looked, guess, made)]  # fmt: skip
    text = write_config(_source(tables, told, folder), guess, made, features)
    return Looked(text, _found(main), _lines(looked, guess, made), told)


def _of_form(main: Sample) -> list[str]:
    """Say how a CSV is written, where not plainly."""
    return [f"{setting} {_shown(getattr(main.form, setting))}: {why}"
            for setting, why in main.reasons.items()]  # fmt: skip


def _shown(value: object) -> str:
    return ", ".join(map(repr, value)) if isinstance(value, tuple) else repr(value)


def _left(tables: Tables) -> list[str]:
    return [f"{path.name} is not used: it {why}" for path, why in tables.left]


def _source(tables: Tables, told: list[str], folder: Path | None) -> Source:
    main = tables.main

    def written(path: Path) -> str:
        return str(FRAME) if folder is None else relative(path, folder)

    files = {part: [*map(written, paths)] for part, paths in tables.files.items()}
    return Source(
        name=main.path.name,
        seen=_found(main).partition(": ")[2],
        paths=[*map(written, tables.paths or [main.path])],
        files=files,
        form=main.form,
        reasons=main.reasons,
        sides=tuple(replace(side, path=Path(written(side.path))) for side in tables.sides),
        notes=tuple(told),
        typed=main.typed,
        whole=main.exact,
    )


def _found(sample: Sample) -> str:
    about = "" if sample.exact else "about "
    total = f"{about}{sample.total:,} rows" if sample.total is not None else "rows not counted"
    looked = "all were looked at" if sample.exact else f"looked at {sample.seen}"
    return f"{sample.path}: {total}, {sample.rows.width} columns; {looked}"


def _lines(looked: Profile, guess: Guess, made: list[Made]) -> list[Line]:
    reasons = {made.column.name: (made.kind, made.reason) for made in made}
    for role, column in guess.columns.items():
        choice = {"label": guess.label, "request_id": guess.request, "time": guess.time,
                  "user": guess.user, "item": guess.item}[role]  # fmt: skip
        assert choice is not None  # noqa: S101
        reasons[column] = (role, choice.reason)  # type: ignore[assignment]
    return [
        Line(c.name, c.type, f"{c.distinct:,}", *reasons[c.name]) for c in looked.columns.values()
    ]


def _write(out: Path, text: str) -> Config:
    """Write a configuration beside and rename it in; it must load. Editors find what it can say."""
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{out.name}-", suffix=".yaml", dir=out.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{FIRST_LINE}\n{text}")
        config = load_config(Path(name))
        Path(name).chmod(0o644)
        write_whole(out.parent / NAME, written())
        Path(name).replace(out)
    finally:
        Path(name).unlink(missing_ok=True)
    return config
