"""The guide's page of what a log may look like, made of the table of dialects.

``python -m tests.whole.dialect_page docs/logs.md`` writes it anew.
"""

import gzip
import re
import sys
import tempfile
from pathlib import Path

from clickthrough.config.data import Dialect as Settings
from clickthrough.data.encoding import encoding_of
from clickthrough.init.run import look
from tests.whole.dialect_cases import CASES, Case

BEGIN, END = "<!-- the table is made of the tests' cases -->", "<!-- end of the table -->"
_WIDEST = 88
"""Characters of a line of a log that are shown."""
_KEYS = (*Settings.model_fields, "label_at_least", "label_is")
_WITH_HEADER = ("Lines", "Headers")
"""Headings under which the header is what is special, or may be."""


def table() -> str:
    """Return a table for each heading."""
    return "\n".join(f"{_group(name, cases)}\n" for name, cases in CASES.items())


def with_table(page: str) -> str:
    """Return a page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{rest.partition(END)[2]}"


def _group(name: str, cases: list[Case]) -> str:
    last = "what is said" if name == "Refused" else "what `init` writes for it"
    lines = [f"### {name}", "", f"| a log with | such as | {last} |", "|---|---|---|"]
    return "\n".join([*lines, *(_line(name, case) for case in cases)])


def _line(name: str, case: Case) -> str:
    with tempfile.TemporaryDirectory() as folder:
        log = case.write(Path(folder))
        said = case.refused or _settings(look(log, folder=Path(folder)).text)
        shown = "<br>".join(_code(line) for line in _first_lines(log, name, case) if line)
    return f"| {case.what} | {shown} | {_code(said) if said else 'nothing: it is read as it is'} |"


def _settings(text: str) -> str:
    """Return the lines of a configuration that tell how the log is written, without reasons."""
    lines = [line.partition("  #")[0].rstrip() for line in text.splitlines()]
    told = [line.strip() for line in lines if re.match(rf"  ({'|'.join(_KEYS)}): ", line)]
    times = [f"time: {{{line.strip()}}}" for line in lines if re.match("    (unit|format): ", line)]
    return "; ".join(told + times)


def _first_lines(log: Path, name: str, case: Case) -> list[str]:
    """Return the lines that show what is special."""
    if case.dialect.kind == "parquet":
        return _types(log)
    content = log.read_bytes()
    content = gzip.decompress(content) if log.suffix == ".gz" else content
    text = content.decode(encoding_of(content, case.dialect.encoding), "replace")
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if name in _WITH_HEADER and not case.dialect.escape:
        return lines[: 2 + len(case.dialect.above) + (case.dialect.comments != "none")]
    header = int(case.dialect.kind == "csv" and not case.content)
    lacking = [place for place, row in enumerate(case.log()) if None in row.values()]
    if case.content:
        return lines[: 3 if case.content.isascii() else 1]
    if case.dialect.escape:
        return [next(line for line in lines if "\\" in line)]
    return [lines[header + (lacking[0] if lacking else 0)]]


def _types(log: Path) -> list[str]:
    import polars as pl

    types = pl.read_parquet_schema(log)
    told = ", ".join(f"{name}: {types[name]}" for name in ("time", "user_id", "bid", "click"))
    return [re.sub(r"time_unit='(\w+)', time_zone=(?:None|'([^']+)')", r"\1 \2", told)]


def _code(text: str) -> str:
    shown = text if len(text) <= _WIDEST else f"{text[:_WIDEST]}..."
    shown = "".join(
        sign if sign.isprintable() or sign == "\u00a0" else repr(sign)[1:-1] for sign in shown
    )
    return f"`{shown}`".replace("|", "\\|") if shown else ""


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(with_table(place.read_text(encoding="utf-8")), encoding="utf-8")
