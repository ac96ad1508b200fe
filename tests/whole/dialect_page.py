"""The guide's page of what a log may look like, made of the table of dialects.

``python -m tests.whole.dialect_page docs/logs.md`` writes it anew.
"""

import sys
import tempfile
from pathlib import Path

import yaml

from clickthrough.config.data import Dialect as Settings
from clickthrough.data.encoding import encoding_of
from clickthrough.init.run import look
from tests.whole.dialect_cases import CASES, Case

BEGIN, END = "<!-- the table is made of the tests' cases -->", "<!-- end of the table -->"
_WIDEST = 88
"""Characters of a line of a log that are shown."""
_KEYS = (*Settings.model_fields, "label_at_least", "label_is", "time")


def table() -> str:
    """Return a table for each heading."""
    return "\n".join(f"{_group(name, cases)}\n" for name, cases in CASES.items())


def with_table(page: str) -> str:
    """Return a page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{rest.partition(END)[2]}"


def _group(name: str, cases: list[Case]) -> str:
    last = "what is said" if name == "Refused" else "what `init` writes for it"
    lines = [f"### {name}", "", f"| a log with | its first lines | {last} |", "|---|---|---|"]
    return "\n".join([*lines, *map(_line, cases)])


def _line(case: Case) -> str:
    with tempfile.TemporaryDirectory() as folder:
        log = case.write(Path(folder))
        said = case.refused or _settings(look(log, folder=Path(folder)).text)
        shown = "<br>".join(_code(line) for line in _first_lines(log, case))
    return f"| {case.what} | {shown} | {_code(said) if said else 'nothing: it is read as it is'} |"


def _settings(text: str) -> str:
    """Return what of a configuration tells how the log is written."""
    data = yaml.safe_load(text)["data"]
    told = {key: data[key] for key in _KEYS if key in data}
    if "time" in told:
        told["time"] = {k: v for k, v in told["time"].items() if k != "timezone"}
    told = {key: value for key, value in told.items() if value != {}}
    written = yaml.safe_dump(told, default_flow_style=None, sort_keys=False, allow_unicode=True)
    return "; ".join(written.splitlines()) if told else ""


def _first_lines(log: Path, case: Case) -> list[str]:
    if case.dialect.kind == "parquet":
        return _types(log)
    content = log.read_bytes()
    if log.suffix == ".gz":
        return ["(gzip)"]
    text = content.decode(encoding_of(content, case.dialect.encoding), "replace")
    return (
        text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")[: 2 + len(case.dialect.above)]
    )


def _types(log: Path) -> list[str]:
    import polars as pl

    types = pl.read_parquet_schema(log)
    return [", ".join(f"{name}: {types[name]}" for name in ("time", "user_id", "bid", "click"))]


def _code(text: str) -> str:
    shown = text if len(text) <= _WIDEST else f"{text[:_WIDEST]}..."
    shown = "".join(
        sign if sign.isprintable() or sign == "\u00a0" else repr(sign)[1:-1] for sign in shown
    )
    return f"`{shown}`".replace("|", "\\|") if shown else ""


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(with_table(place.read_text(encoding="utf-8")), encoding="utf-8")
