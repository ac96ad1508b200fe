"""Where the log lies, what its columns mean, and how time divides it."""

import codecs
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from clickthrough.config.base import WRITTEN_NUMBER, Places, Several, Strict, unknown_name
from clickthrough.time_format import time_pattern

TimeUnit = Literal["iso", "s", "ms", "us", "ns"]


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_MOMENT = rf"^\s*(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{WRITTEN_NUMBER}\s*$)"
"""How what ISO 8601 says begins; or a number in quotes, of seconds since 1970."""
Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A moment; one that names no offset is in UTC."""


def _known_zone(value: str) -> str:
    if value == "UTC":
        return value  # looking for all zones of the machine takes 10 ms
    if value not in available_timezones():
        raise ValueError(unknown_name(value, "time zone", ["UTC", *sorted(_cities(value))]))
    ZoneInfo(value)
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]
"""A time zone by its name in the IANA database."""


def _no_number(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError("expected a moment, or a share between 0 and 1")
    return value


_Text = Annotated[str, Field(pattern=_MOMENT, description="a moment such as `2023-05-24T07:00Z`")]
_Begins = Annotated[Moment, BeforeValidator(_no_number, json_schema_input_type=_Text)]
Boundary = Annotated[float, Field(gt=0, lt=1)] | _Begins


class TimeSplit(Strict):
    """Train, then validation, then test, in order of time.

    A boundary is a moment (``2023-05-24T07:00Z``: from then on) or a share of the
    impressions (``0.1``: the last tenth of what comes before the next part).

    Attributes:
        validation: where the validation part begins: a moment, or its share of all before the test
            part.
        test: where the test part begins: a moment, or its share of all impressions; ``null`` for
            no test part.
    """

    validation: Boundary = 0.1
    test: Boundary | None = 0.1

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        both = isinstance(self.validation, datetime) and isinstance(self.test, datetime)
        if both and self.validation >= self.test:  # type: ignore[operator]
            raise ValueError(
                f"validation starts {self.validation}, which is not before test, {self.test}"
            )
        return self


FRAME = Path("<frame>")
"""Stands for the path of a log that was a frame of the caller's program."""


def known_encoding(value: str) -> str:
    """Return the name by which Python knows an encoding of texts.

    Raises:
        ValueError: it knows none of that name.
    """
    try:
        "".encode(value)  # not all codecs are of texts
        return codecs.lookup(value).name
    except (LookupError, ValueError):
        known = ["utf-8", "utf-16", "cp1252", "cp1250", "cp1251", "gb18030", "big5", "shift_jis",
                 "euc_jp", "euc_kr"]  # fmt: skip
        raise ValueError(unknown_name(value, "encoding", known)) from None


Encoding = Annotated[str, AfterValidator(known_encoding)]
"""The name of an encoding of texts."""


class BaseData(Strict):
    """What every reader's configuration holds.

    Attributes:
        timezone: the time zone of the feature ``time`` and of days, by its IANA name, such as
            ``Europe/Copenhagen``.
        cache: the directory in which the converted log is kept for later runs.
        split: where the log is divided; not used where ``files`` come divided.
    """

    timezone: Zone = "UTC"
    cache: Path = Path(".clickthrough/cache")
    split: TimeSplit = TimeSplit()


def places(path: Path | list[Path] | None) -> list[Path]:
    """Return one path or several as a list."""
    if path is None:
        return []
    return [path] if isinstance(path, Path) else path


class EbnerdData(BaseData):
    """The EB-NeRD news log: a directory with ``behaviors.parquet`` and ``history.parquet``.

    Attributes:
        path: the directory, or several that are one log, such as one a week; a directory that holds
            ``train`` and ``validation`` stands for both.
    """

    reader: Literal["ebnerd"]
    path: Places

    @property
    def paths(self) -> list[Path]:
        """The directories."""
        return places(self.path)


def _one_directory(value: object) -> object:
    several = value if isinstance(value, list | tuple) else [value]
    if len(several) != 1:
        raise ValueError(f"expected one directory, which holds all tables, found {len(several)}")
    return several[0]


class OutbrainData(BaseData):
    """The Kaggle competition 'Outbrain Click Prediction': the directory as downloaded.

    Attributes:
        path: the directory.
    """

    reader: Literal["outbrain"]
    path: Annotated[Path, BeforeValidator(_one_directory, json_schema_input_type=Path)]

    @property
    def paths(self) -> list[Path]:
        """The directory."""
        return [self.path]


OURS = ("row", "part")
"""Names of columns that are kept beside those of a log; none of these can be one of its own."""


class Roles(Strict):
    """Which input column plays which part. Without ``request_id`` each row is its own request.

    Attributes:
        label: the column that says whether an impression was clicked.
        request_id: the column that impressions shown together share.
        time: the column of the impression's moment; without it the log is in order of its rows.
        user: the column of who saw it.
        item: the column of what was shown.
    """

    label: str
    request_id: str | None = None
    time: str | None = None
    user: str | None = None
    item: str | None = None

    @model_validator(mode="after")
    def _a_column_each(self) -> Self:
        taken: dict[str, str] = {}
        for role, column in self.model_dump(exclude_none=True).items():
            if column in taken:
                raise ValueError(f"'{taken[column]}' and '{role}' both name column '{column}'")
            if column in OURS:
                raise ValueError(f"'{role}' {not_a_column(column)}")
            taken[column] = role
        return self


def not_a_column(name: str) -> str:
    """Say that a name is one of ``OURS``."""
    return f"names column '{name}', as clickthrough calls a column of its own; rename it in the log"


class TimeFormat(Strict):
    """How the time column counts: ISO 8601 text, or a number of units since ``origin``.

    Attributes:
        unit: ``iso`` for texts in ISO 8601, else what a number counts.
        origin: the moment that numbers count from; in UTC where it names no offset.
        format: the form of texts or numbers that have one of their own: ``%y%m%d%H`` for
            14102107.
        timezone: the time zone of texts that name no offset, such as ``Asia/Shanghai``.
    """

    unit: TimeUnit = "iso"
    origin: Moment = datetime(1970, 1, 1, tzinfo=UTC)
    format: str | None = None
    timezone: Zone = "UTC"

    @field_validator("format")
    @classmethod
    def _known_directives(cls, value: str | None) -> str | None:
        if value is not None:
            time_pattern(value)
        return value

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.format is not None and self.unit != "iso":
            raise ValueError("expected either 'format' or 'unit', not both")
        return self


class Join(Strict):
    """A side table whose columns are added to each impression with the same key.

    Attributes:
        file: the table: CSV, Parquet or JSON lines.
        on: the columns that both share and are joined by, one or several.
        columns: those that are added; all by default.
        separator: the character between the cells of a CSV, where it is another than the log's.
    """

    file: Path
    on: Several[str]
    columns: list[str] | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)


class ListFormat(Strict):
    """A text column of a CSV that holds several values.

    Attributes:
        separator: what stands between two values.
        of: the type of each.
        decimal: the character before the digits of a fraction.
    """

    separator: str = " "
    of: Literal["int", "float", "str"] = "str"
    decimal: Literal[".", ","] = "."


class Files(Strict):
    """The parts of a log that comes already divided.

    Attributes:
        train: the files of the training part, one or several, or patterns that take them.
        validation: those of the validation part.
        test: those of the test part; none by default.
    """

    train: Several[Path]
    validation: Several[Path]
    test: Several[Path] = []


class Dialect(Strict):
    r"""How the CSV files of a log are written, its side tables among them.

    Attributes:
        separator: the character between cells.
        encoding: of a text that is not UTF-8, such as ``gb18030`` or ``cp1252``; UTF-16 and UTF-32
            are known by their bytes.
        skip: lines above the header, beside comments, that are no part of the table.
        comment: what lines begin with that are no part of the table.
        trim: whether blanks around a cell are no part of it.
        quote: the character around a cell that holds a separator.
        escape: whether a quote within a cell has a backslash before it, instead of another quote.
        missing: texts that stand for no value, beside an empty one: ``["NULL", "\N"]``. Of Parquet
            and JSON lines as well.
        missing_in: columns, and texts that stand for no value there alone, since they may be values
            elsewhere: ``{price: ["NA", "-"]}``.
        numbers: columns whose numbers have the signs that ``decimal`` and ``thousands`` name; those
            of all others are as a program writes them.
        decimal: the character before the digits of a fraction, in the columns of ``numbers``.
        thousands: the character between groups of three digits there; ``" "`` for any kind of
            blank, ``"'"`` for any kind of apostrophe.
    """

    separator: str = Field(default=",", min_length=1, max_length=1)
    encoding: Encoding | None = None
    skip: int = Field(default=0, ge=0, le=1_000)
    comment: str | None = Field(default=None, min_length=1, max_length=8)
    trim: bool = False
    quote: Literal['"', "'"] = '"'
    escape: bool = False
    missing: list[str] = []
    missing_in: dict[str, Several[str]] = {}
    numbers: list[str] = []
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'", "_"] | None = None

    @model_validator(mode="after")
    def _tells_numbers_apart(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError(
                f"'decimal' and 'thousands' are both {self.decimal!r}, so that nobody can tell "
                "1.234 from 1234"
            )
        if (self.decimal != "." or self.thousands is not None) and not self.numbers:
            raise ValueError(
                "'decimal' and 'thousands' say how the columns of 'numbers' are written; name "
                "them: numbers: [price]"
            )
        return self


def _some_texts(texts: list[str]) -> list[str]:
    """Refuse what no label could be: blanks are missing."""
    if not texts or not all(text.strip() for text in texts):
        raise ValueError("expected a text that is a click, or a list of such")
    return texts


ClickTexts = Annotated[Several[str], AfterValidator(_some_texts)]
"""What a label says of an impression that was clicked."""


class TabularData(Dialect, BaseData):
    """A log with one impression a row: CSV, Parquet or JSON lines; ``.gz`` and ``.zip`` as well.

    Attributes:
        path: the log: a file, a directory of its files, a pattern that takes them (``logs/*.csv``,
            ``logs/**/*.parquet``), or several of these, which are one log in any order; either this
            or ``files``.
        files: the log's parts, where it comes divided.
        roles: which column plays which part.
        label_at_least: a label of so much or more is a click: 4 for ratings of 1 to 5.
        label_is: a label of this text, or of one of several, is a click, whatever its case and the
            blanks around it: ``yes``; every other text is none, a blank is not known.
        time: how the time column is written.
        joins: side tables, joined in this order.
        columns: the names of the columns of a CSV that has no header.
        types: columns to read as another type than their values suggest; an id that only looks
            like a number is a str.
        drop: columns that are not read.
        lists: columns of a CSV that hold several values, and how each is written.
    """

    reader: Literal["tabular"]
    path: Places | None = None
    files: Files | None = None
    roles: Roles
    label_at_least: float | None = None
    label_is: ClickTexts | None = None
    time: TimeFormat = TimeFormat()
    joins: list[Join] = []
    columns: list[str] | None = None
    types: dict[str, Literal["int", "float", "str"]] = {}
    drop: list[str] = []
    lists: dict[str, ListFormat] = {}

    @property
    def paths(self) -> list[Path]:
        """The files of the log; none where it comes divided."""
        return places(self.path)

    def of_frame(self, cache: Path) -> Self:
        """Return how a frame is read that stands in the place of the files; it has a header.

        Args:
            cache: the directory in which it is converted.
        """
        own = {"path": FRAME, "files": None, "columns": None, "cache": cache}
        return self.model_copy(update=own)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.files is None):
            raise ValueError(
                "expected either 'path' (one log) or 'files' (train, validation, test)"
            )
        return self

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if self.label_is is not None and self.label_at_least is not None:
            raise ValueError(
                "expected either 'label_is' (texts that are clicks) or 'label_at_least' (a number "
                "from which on it is one), not both"
            )
        return self

    @model_validator(mode="after")
    def _keeps_what_it_needs(self) -> Self:
        both = sorted(set(self.drop) & {*self.roles.model_dump(exclude_none=True).values()})
        if both:
            raise ValueError(f"'drop' names columns that 'roles' needs: {', '.join(both)}")
        return self

    @field_validator("columns")
    @classmethod
    def _named_once(cls, value: list[str] | None) -> list[str] | None:
        twice = sorted({name for name in value or [] if (value or []).count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return value


DataConfig = Annotated[EbnerdData | OutbrainData | TabularData, Field(discriminator="reader")]


def _cities(value: str) -> list[str]:
    """Return the zones that share a word with a mistyped one, so that the message stays short."""
    last = value.rsplit("/", maxsplit=1)[-1].lower()[:3]
    return [zone for zone in available_timezones() if zone.split("/")[-1].lower().startswith(last)]
