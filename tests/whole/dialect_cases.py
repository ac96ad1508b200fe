"""The table of dialects: of each kind of file one small log, and what comes of it.

Every case goes from init to the service, and its model is that of the same log as plain CSV; or it
is refused. The guide's page is made of this table.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tests.whole.dialects import Dialect, Row, a_log, plainly, write


@dataclass(frozen=True)
class Case:
    """A kind of file.

    Attributes:
        what: is special, in words.
        dialect: how the log is written.
        cities: which texts beyond ASCII it holds.
        gaps: whether values are missing.
        seed: of the log.
        refused: what the refusal of ``init`` says, where it is refused.
        content: bytes that stand for the file instead.
    """

    what: str
    dialect: Dialect = field(default_factory=Dialect)
    cities: str = "utf-8"
    gaps: bool = False
    seed: int = 0
    refused: str = ""
    content: bytes = b""

    def log(self) -> list[Row]:
        """Return the log."""
        return a_log(self.seed, cities=self.cities, gaps=self.gaps)

    def write(self, folder: Path) -> Path:
        """Write it in its dialect."""
        if self.content:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "log.csv").write_bytes(self.content)
            return folder / "log.csv"
        return write(self.log(), self.dialect, folder)

    def write_plainly(self, folder: Path) -> Path:
        """Write the same log as plain CSV."""
        return plainly(self.log(), self.dialect, folder)


def _marked(mark: str) -> Case:
    return Case(f"`{mark}` where there is no value", Dialect(missing=mark), gaps=True)


def _timed(what: str, time: str) -> Case:
    return Case(what, Dialect(time=time))


GERMAN = Dialect(separator=";", decimal=",", thousands=".", time="german")
HEAD = b"time,user_id,ad_id,slot,bid,click\n"
ROW = b"2024-03-04 06:00:00,7,535,side,0.71,1\n"

CASES: dict[str, list[Case]] = {
    "Lines": [
        Case("plain: commas, a header, UTF-8"),
        Case("tabs, whatever the file is called", Dialect(separator="\t")),
        Case("tabs, as `.tsv`", Dialect(separator="\t", suffix=".tsv")),
        Case("semicolons", Dialect(separator=";")),
        Case("bars", Dialect(separator="|")),
        Case("Hive's separator", Dialect(separator="\x01", missing="\\N"), gaps=True),
        Case("all cells in quotes", Dialect(quoting="all")),
        Case("texts in quotes", Dialect(quoting="texts")),
        Case("apostrophes instead of quotes", Dialect(quoting="texts", quote="'")),
        Case("a backslash before a quote, as Spark and MySQL write", Dialect(escape=True)),
        Case("blanks after separators", Dialect(around=(" ", ""))),
        Case("blanks around cells", Dialect(separator="|", around=(" ", " "))),
        Case("a title and a blank line above the header", Dialect(above=("Report of March", ""))),
        Case("Excel's line for the separator", Dialect(separator=";", above=("sep=;",))),
        Case("comments", Dialect(comments="between")),
        Case("line ends of Windows", Dialect(newline="\r\n")),
        Case("blank lines at the end", Dialect(blank_lines=2)),
        Case("compressed", Dialect(packed=".gz")),
    ],
    "Encodings": [
        Case("a mark of the byte order", Dialect(header="mark")),
        Case("UTF-16, as of a spreadsheet", Dialect(separator="\t", encoding="utf-16")),
        Case("UTF-16 without a mark", Dialect(encoding="utf-16-le")),
        Case("Windows, western", Dialect(encoding="cp1252"), "western"),
        Case("Chinese", Dialect(encoding="gb18030"), "gb18030"),
        Case("Japanese", Dialect(encoding="cp932"), "cp932"),
        Case("Cyrillic", Dialect(encoding="cp1251"), "cp1251"),
    ],
    "Headers": [
        Case("the index of a frame", Dialect(header="unnamed index")),
        Case("the index of a frame, read again", Dialect(header="index")),
        Case("a name twice", Dialect(header="twice")),
    ],
    "Numbers": [
        Case("a comma before fractions", Dialect(separator=";", decimal=",")),
        Case("a comma before fractions, points between thousands", GERMAN),
        Case("a comma before fractions, in quotes", Dialect(decimal=",")),
        Case("commas between thousands", Dialect(thousands=",")),
        Case("blanks between thousands", Dialect(separator=";", decimal=",", thousands="\u00a0")),
        Case("apostrophes between thousands", Dialect(thousands="'")),
    ],
    "Missing values": [
        Case("blank", gaps=True),
        Case("blank, in quotes", Dialect(quoting="all"), gaps=True),
        *map(_marked, ("NULL", "\\N", "NaN", "N/A", "NA", "?", "None", "-")),
    ],
    "Times": [
        _timed("ISO 8601, in UTC", "iso Z"),
        _timed("ISO 8601 with an offset", "iso offset"),
        _timed("with an offset, no colon in it", "iso offset, no colon"),
        _timed("with a fraction of a second", "iso fraction"),
        _timed("seconds since 1970", "s"),
        _timed("seconds, written as fractions", "s as a fraction"),
        _timed("milliseconds", "ms"),
        _timed("microseconds", "us"),
        _timed("nanoseconds", "ns"),
        _timed("digits alone", "digits"),
        _timed("days, months, years with points", "german"),
        _timed("months, days, years and a clock of 12 hours", "american, 12 hours"),
        _timed("days, months, years with slashes", "british"),
        _timed("of an access log", "access log"),
        _timed("months by name", "named month"),
    ],
    "Labels": [
        Case("-1 and 1", Dialect(label="-1 and 1")),
        Case("true and false", Dialect(label="True and False")),
        Case("fractions", Dialect(label="fractions")),
        Case("yes and no", Dialect(label="yes and no")),
        Case("Y and N", Dialect(label="Y and N")),
    ],
    "Parquet": [
        Case("numbers as narrow as can be", Dialect("parquet", types="narrow"), gaps=True),
        Case("coded texts, a label of true and false", Dialect("parquet", types="coded")),
        Case("decimals, unsigned ids, a label of fractions", Dialect("parquet", types="wide")),
        Case("moments of a time zone", Dialect("parquet", types="zoned")),
        Case("moments of nanoseconds", Dialect("parquet", types="dates")),
        Case("times as texts", Dialect("parquet", time="access log")),
    ],
    "JSON lines": [
        Case("an object a line", Dialect("jsonl")),
        Case("objects in objects: columns by path", Dialect("jsonl", nested=True)),
        Case("keys that some lines lack", Dialect("jsonl", missing="absent"), gaps=True),
        Case("null, blank lines at the end", Dialect("jsonl", blank_lines=1), gaps=True),
        Case("`NULL` as a text", Dialect("jsonl", missing="NULL"), gaps=True),
        Case("times and labels as texts", Dialect("jsonl", time="german", label="yes and no")),
        Case("as `.ndjson`, compressed", Dialect("jsonl", suffix=".ndjson", packed=".gz")),
        Case("all signs beyond ASCII escaped", Dialect("jsonl", encoding="ascii")),
    ],
    "Refused": [
        Case("a row that is too long", refused="row 3 has 7 fields, expected 6",
             content=HEAD + ROW + ROW.replace(b"side", b"side,left") + ROW),
        Case("a blank line between rows", refused="row 3 is blank, expected 6",
             content=HEAD + ROW + b"\n" + ROW),
        Case("a quote that is never closed", refused="a quote is never closed, or the file is cut",
             content=HEAD + ROW + ROW.replace(b"side", b'"side') + ROW),
        Case("no text", refused="row 1: not UTF-8: b'\\x89PNG\\r\\n'; it does not look like text",
             content=b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        Case("line ends of an old Mac", content=(HEAD + ROW * 3).replace(b"\n", b"\r"),
             refused="lines end with a carriage return alone, expected a newline"),
        Case("a label of two texts of which none is known", Dialect(label="won and lost"),
             refused="say which of them is a click with --label-is TEXT"),
        Case("clicks alone", Dialect(label="clicks alone"),
             refused="log what was shown, one row an impression, with 0 where it was not clicked"),
        Case("a header and no rows", content=HEAD, refused="holds a header and no rows"),
    ],
}  # fmt: skip
"""Heading -> cases."""


FOUND = [
    Case("thousands where the separator speaks for neither sign",
         Dialect(separator="\t", quoting="all", around=("", "  "), thousands=",", time="iso T")),
    Case("comments where separators stand in apostrophes",
         Dialect(quoting="all", quote="'", encoding="cp1252", decimal=",", thousands=".",
                 time="named month", comments="between", above=("Report", "", "")), "western"),
    Case("a backslash before quotes, and before the N of a mark, among blanks",
         Dialect(quoting="all", escape=True, encoding="cp1252", around=(" ", " "), missing="\\N",
                 decimal=",", thousands=" ", time="s as a fraction"), "western", gaps=True),
    Case("few cells in apostrophes, with the separator in them",
         Dialect(quote="'", encoding="cp932", thousands=" ", comments="above",
                 above=("Report of March",), header="index"), "cp932"),
    Case("apostrophes around cells, within them and between thousands",
         Dialect(separator="\x01", quote="'", escape=True, encoding="utf-16", around=("", "  "),
                 thousands="'", time="named month", comments="above", above=("Report", "", ""))),
    Case("a mark among numbers with signs of their own",
         Dialect(separator=";", encoding="utf-16-le", missing="-", thousands="'"), gaps=True),
    Case("numbers of which no group of three digits begins with 0",
         Dialect(separator="|", quoting="all", thousands=" "), gaps=True, seed=1),
    Case("a mark as a text in lines, beside objects",
         Dialect("jsonl", missing="NULL", nested=True, blank_lines=1), gaps=True, seed=1),
    Case("nanoseconds among blanks and marks",
         Dialect(separator="\x01", quoting="texts", encoding="cp1251", around=("", "  "),
                 missing="NaN", thousands=" ", time="ns"), "cp1251", gaps=True),
]  # fmt: skip
"""What drawn logs once came to another model by, shrunken."""


def each() -> dict[str, Case]:
    """Return all cases by a name of their own."""
    every = {**CASES, "Found": FOUND}
    return {f"{group}: {case.what}": case for group, cases in every.items() for case in cases}
