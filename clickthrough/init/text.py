"""The text of a configuration, with a reason on each line. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clickthrough.config.base import format_duration
from clickthrough.config.data import TimeFormat
from clickthrough.data.form import TableForm
from clickthrough.init.histories import Declared, tick
from clickthrough.init.kinds import Made
from clickthrough.init.label import Choice
from clickthrough.init.left_out import FLAGS
from clickthrough.init.quoting import one_line, scalar, with_comment
from clickthrough.init.roles import Guess
from clickthrough.init.sides import Side
from clickthrough.init.times import TimeGuess

_MODEL = "model: {name: mlp, embedding_dim: 16, hidden: [128, 64], dropout: 0.2}"
_TRAINING = "training: {epochs: 10, batch_size: 1024, decay: cosine, patience: 2}"
_PLAIN = "yes|y|on"
_NUMBERS = "its texts are numbers"
_SAMPLED = "as far as it was looked at: what is none will be named"
Line = tuple[str, str]
"""What a line says, and the comment beside it."""


@dataclass(frozen=True)
class Source:
    """Where the tables lie and how they are written.

    Attributes:
        seen: what was looked at.
        paths: of one log; none where it comes divided into ``files``.
        sides: its side tables, each under the path that the configuration names.
        notes: what may be wrong about the guesses.
        form: how a CSV is written.
        reasons: why it is what it is: a setting and a reason each.
        whole: whether all of the log was looked at.
        typed: whether the log says of each column what it holds, as Parquet and JSON lines do.
    """

    name: str
    seen: str
    paths: Sequence[str] = ()
    files: Mapping[str, list[str]] = field(default_factory=dict)
    form: TableForm = field(default_factory=TableForm)
    reasons: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[Side, ...] = ()
    notes: tuple[str, ...] = ()
    typed: bool = False
    whole: bool = True


def write_config(source: Source, guess: Guess, made: list[Made], features: list[Declared]) -> str:
    """Write a configuration.

    Args:
        source: the tables.
        guess: the roles.
        made: what becomes of the other columns.
        features: declared of them.
    """
    lines: list[Line] = [
        (f"# Guessed by `clickthrough init` from {one_line(source.name)}: {source.seen}.", ""),
        ("# Every guess says why. Correct what is wrong; then `clickthrough train` this file.", ""),
        *((f"# Note: {one_line(note)}.", "") for note in source.notes),
        ("", ""),
        ("data:", ""),
        *_indented([*_where(source), *_roles(guess), *_forms(made, guess, source),
                    *_joins(source), *_drops(made),
                    ("split: {validation: 0.1, test: 0.1}", _split(source, guess))]),
        ("", ""),
    ]  # fmt: skip
    if guess.time is not None:
        width = format_duration(tick(guess))
        why = "the unit of time of counters; label_delay: how long clicks take to be known"
        lines += [("counters:", ""), (f"  tick: {width}", why),
                  ("  label_delay: 0s", ""), ("", "")]  # fmt: skip
    lines += [("features:", ""), *(line for made in features for line in _feature(made))]
    lines += _lookup(source, guess)
    lines += [("", ""), (_MODEL, ""), ("", ""), (_TRAINING, "")]
    return "\n".join(with_comment(*line) for line in lines) + "\n"


def _where(source: Source) -> list[Line]:
    lines = [("reader: tabular", "")]
    if source.files:
        lines += [("files:", "their names say that the log comes divided")]
        lines += [(f"  {part}: {scalar(paths)}", "") for part, paths in source.files.items()]
    else:
        one = source.paths[0] if len(source.paths) == 1 else source.paths
        lines.append((f"path: {scalar(one)}", ""))
    if source.form.separator != ",":
        lines.append((f"separator: {scalar(source.form.separator)}", ""))
    for setting, why in source.reasons.items():
        lines.append((f"{setting}: {scalar(getattr(source.form, setting))}", why))
    if source.form.columns is not None:
        lines.append((f"columns: {scalar(source.form.columns)}", "the file has no header"))
    return lines


def _roles(guess: Guess) -> list[Line]:
    time = None if guess.time is None else Choice(guess.time.column, guess.time.reason)
    choices = {"label": guess.label, "time": time, "request_id": guess.request,
               "user": guess.user, "item": guess.item}  # fmt: skip
    lines: list[Line] = [("roles:", "")]
    for role, choice in choices.items():
        if choice is None:
            lines.append((f"  # {role}:", f"none was found; {FLAGS[role]} COLUMN names one"))
        else:
            lines.append((f"  {role}: {scalar(choice.column)}", choice.reason))
    return [*lines, *_clicks(guess), *_time(guess.time)]


def _clicks(guess: Guess) -> list[Line]:
    """Say what of the label is a click, where it is not 0 and 1."""
    click = guess.click
    if click.at_least is not None:
        return [(f"label_at_least: {click.at_least:g}", guess.label.reason)]
    # "yes" is a text here, as in YAML 1.2
    texts = [text if re.fullmatch(_PLAIN, text) else scalar(text) for text in click.texts]
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return [(f"label_is: {said}", guess.label.reason)] if texts else []


def _time(time: TimeGuess | None) -> list[Line]:
    """Say how the time is written, and of which zone its clock is where it does not say so."""
    if time is None:
        return []
    lines = []
    if time.form != TimeFormat():
        form = time.form.format
        said = f"unit: {time.form.unit}" if form is None else f"format: {scalar(form)}"
        lines.append((f"  {said}", time.reason))
    if time.local:
        why = "it names no zone: say where its clock stands, such as Asia/Shanghai"
        lines.append(("  timezone: UTC", why))
    return [("time:", ""), *lines] if lines else []


def _forms(made: list[Made], guess: Guess, source: Source) -> list[Line]:
    """Write the types and lists that the reader could not tell.

    Args:
        made: what becomes of the columns.
        guess: the roles.
        source: says whether the file has types: then its texts are no numbers unless it is said;
            and whether all of it was looked at: else what is no number is named with its row.
    """
    typed = source.typed
    used = [m for m in made if m.kind != "drop"]
    stays = [m for m in used if typed and m.column.text]
    quantities = [m for m in used if m.kind in ("numeric", "log1p")]
    numbers = [m for m in quantities if m in stays]
    sampled = [] if typed or source.whole else quantities
    whole = [
        m
        for m in used
        if m.column.type == "float" and m.kind in ("categorical", "hashed") and m not in stays
    ]
    texts = [(name, why) for name, why in guess.texts.items()]
    texts += [
        (m.column.name, m.column.force_text)
        for m in used
        if m.column.force_text and m.separator is None
    ]
    lines = [(f"  {scalar(name)}: str", f"it {why}") for name, why in texts]
    lines += [(f"  {scalar(m.column.name)}: int", m.reason) for m in whole]
    lines += [(f"  {scalar(m.column.name)}: {m.column.type}", _NUMBERS) for m in numbers]
    lines += [(f"  {scalar(m.column.name)}: float", _SAMPLED) for m in sampled]
    lists = [(f"  {scalar(m.column.name)}: {{separator: {scalar(m.separator)}}}", m.reason)
             for m in used if m.separator is not None]  # fmt: skip
    return [
        *([("types:", ""), *lines] if lines else []),
        *([("lists:", ""), *lists] if lists else []),
    ]


def _joins(source: Source) -> list[Line]:
    lines = [(f"  - {{{_side(side)}}}", side.reason) for side in source.sides]
    return [("joins:", ""), *lines] if lines else []


def _side(side: Side) -> str:
    own = "" if side.separator is None else f", separator: {scalar(side.separator)}"
    columns = scalar(side.columns)
    return f"file: {scalar(str(side.path))}, on: {scalar(side.key)}, columns: {columns}{own}"


def _lookup(source: Source, guess: Guess) -> list[Line]:
    """Write which side tables a service reads, those of the item and the user."""
    roles = [choice.column for choice in (guess.item, guess.user) if choice is not None]
    keys = {side.path.name: side.key for side in source.sides if side.key in roles}
    if not keys:
        return []
    why = "callers need not send what the table says"
    lines = [(f"    {scalar(name)}: {scalar(key)}", why) for name, key in keys.items()]
    return [("", ""), ("serving:", ""), ("  lookup:", ""), *lines]


def _drops(made: list[Made]) -> list[Line]:
    dropped = [m for m in made if m.kind == "drop"]
    lines = [(f"  - {scalar(m.column.name)}", m.reason) for m in dropped]
    return [("drop:", ""), *lines] if lines else []


def _split(source: Source, guess: Guess) -> str:
    if source.files:
        return "not used: the files are the parts"
    return "in order of time" if guess.time is not None else "in the order of the rows"


def _feature(made: Declared) -> Iterable[Line]:
    values = dict(made.values)
    if not made.fields:
        inside = ", ".join(f"{name}: {scalar(value)}" for name, value in values.items())
        return [("", f"  {made.comment}"), (f"  - {{{inside}}}", "")]
    kind = values.pop("kind")
    return [
        (f"  - kind: {kind}", made.comment),
        *((f"    {name}: {scalar(value)}", "") for name, value in values.items()),
        ("    fields:", ""),
        *((f"      - {scalar(name)}", comment) for name, comment in made.fields),
    ]


def _indented(lines: Iterable[Line]) -> list[Line]:
    return [(f"  {text}", comment) for text, comment in lines]
