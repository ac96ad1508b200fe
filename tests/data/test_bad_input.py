"""What every reader owes its user: after a failure nothing half-written, and a mended file is read.

The message names the file. A disk that is full and Ctrl-C are met in a process of their own.
"""

import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from pydantic import TypeAdapter

from clickthrough.config.data import DataConfig
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError
from tests.data.outbrain.made import SMALL, random_tables
from tests.data.outbrain.made import write as write_outbrain
from tests.data.test_tabular import HEADER, ROLES, ROWS

TEXT = f"{HEADER}\n{ROWS}"
Break = Callable[[Path], None]


@dataclass(frozen=True)
class Kind:
    """A reader, and a log that it reads: a directory of files, one of which will be broken."""

    reader: str
    write: Callable[[Path], object]
    file: str
    impressions: int

    def settings(self, folder: Path) -> dict[str, object]:
        path = folder / "log"
        given: dict[str, object] = {"reader": self.reader, "cache": str(folder / "cache")}
        if self.reader == "tabular":
            return {**given, "path": str(path / self.file), "roles": ROLES}
        return {**given, "path": str(path)}


def write_ebnerd(folder: Path, requests: int = 3) -> None:
    """Write both files of EB-NeRD: each request two articles, the first of them clicked."""
    folder.mkdir(parents=True, exist_ok=True)
    places = range(requests)
    moments = [datetime(2023, 5, 18, 7) + timedelta(seconds=place) for place in places]
    behaviors = pl.DataFrame(
        {
            "impression_id": list(places),
            "impression_time": moments,
            "user_id": [place % 7 for place in places],
            "article_ids_inview": [[place, place + 1] for place in places],
            "article_ids_clicked": [[place] for place in places],
        }
    )
    behaviors.write_parquet(folder / "behaviors.parquet")
    read = {"user_id": [0], "impression_time_fixed": [moments[:1]], "article_id_fixed": [[5]]}
    pl.DataFrame(read).write_parquet(folder / "history.parquet")


def write_tabular(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.csv").write_text(TEXT)


def write_zipped(folder: Path) -> None:
    write_outbrain(folder, SMALL, ".csv.zip")


OUTBRAIN = Kind("outbrain", write_outbrain, "clicks_train.csv", 6)
EVENTS = Kind("outbrain", write_outbrain, "events.csv", 6)
ZIPPED = Kind("outbrain", write_zipped, "events.csv.zip", 6)
TABULAR = Kind("tabular", write_tabular, "log.csv", 3)
EBNERD = Kind("ebnerd", write_ebnerd, "behaviors.parquet", 6)
HISTORY = Kind("ebnerd", write_ebnerd, "history.parquet", 6)


def replaced(old: str, new: str) -> Break:
    def change(path: Path) -> None:
        content = path.read_bytes()
        assert old.encode() in content
        path.write_bytes(content.replace(old.encode(), new.encode("latin1")))

    return change


def column(name: str, made: pl.Expr | None) -> Break:
    def change(path: Path) -> None:
        frame = pl.read_parquet(path)
        (frame.drop(name) if made is None else frame.with_columns(made.alias(name))).write_parquet(
            path
        )

    return change


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


def cut_within(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(len(content) // 2 - 4) + content[len(content) // 2 :])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", "")


CELLS: list[tuple[str, Kind, Break]] = [
    *(("empty", kind, empty) for kind in (OUTBRAIN, EVENTS, ZIPPED, TABULAR, EBNERD, HISTORY)),
    *(("cut", kind, cut) for kind in (EVENTS, ZIPPED, TABULAR, EBNERD, HISTORY)),
    ("damaged", EBNERD, cut_within),
    ("missing", OUTBRAIN, Path.unlink),
    ("missing", TABULAR, Path.unlink),
    ("missing", EBNERD, Path.unlink),
    ("no column", OUTBRAIN, replaced("ad_id", "ad")),
    ("no column", TABULAR, replaced("clicked", "click")),
    ("no column", EBNERD, column("user_id", None)),
    ("no column", HISTORY, column("article_id_fixed", None)),
    ("wrong type", EVENTS, replaced("61,3", "soon,3")),
    ("wrong type", TABULAR, replaced("12:05:00", "noon")),
    ("wrong type", EBNERD, column("article_ids_inview", pl.lit("1 2"))),
    ("wrong type", EBNERD, column("impression_time", pl.lit("noon"))),
    ("no time", EBNERD, column("impression_time", pl.lit(None, pl.Datetime("us")))),
    ("encoding", EVENTS, replaced("bob", "jos\xe9")),
    ("encoding", TABULAR, replaced("bob", "jos\xe9")),
    ("label", OUTBRAIN, replaced("1,12,1", "1,12,7")),
    ("label", TABULAR, replaced("2.5,1", "2.5,7")),
    ("beyond 64 bits", OUTBRAIN, replaced("1,12,1", f"1,{2**63},1")),
    ("beyond 64 bits", TABULAR, replaced(",119,", f",{2**63},")),
    ("beyond 64 bits", EBNERD, column("user_id", pl.lit(2**63, pl.UInt64))),
    ("two members", ZIPPED, other),
]


def opened(kind: Kind, folder: Path) -> Dataset:
    config: DataConfig = TypeAdapter(DataConfig).validate_python(kind.settings(folder))
    return open_dataset(config)


@pytest.mark.parametrize(
    ("kind", "break_it"),
    [pytest.param(k, b, id=f"{what}-{k.reader}-{k.file}") for what, k, b in CELLS],
)
def test_a_failure_names_the_file_leaves_nothing_and_the_mended_file_is_read(
    tmp_path: Path, kind: Kind, break_it: Break
) -> None:
    kind.write(tmp_path / "log")
    break_it(tmp_path / "log" / kind.file)
    with pytest.raises(DataError) as caught:
        opened(kind, tmp_path)
    assert kind.file.split(".")[0] in str(caught.value)
    assert str(tmp_path / "log") in str(caught.value)
    assert not list((tmp_path / "cache").glob("*"))
    kind.write(tmp_path / "log")
    assert opened(kind, tmp_path).report.impressions == kind.impressions


def test_requests_that_show_nothing_and_clicks_elsewhere_are_told(tmp_path: Path) -> None:
    write_ebnerd(tmp_path / "log")
    path = tmp_path / "log/behaviors.parquet"
    shown = pl.Series([[], [1, 2], [2, 3]], dtype=pl.List(pl.Int64))
    clicked = pl.Series([[], [9], [2]], dtype=pl.List(pl.Int64))
    frame = pl.read_parquet(path)
    frame.with_columns(article_ids_inview=shown, article_ids_clicked=clicked).write_parquet(path)
    report = opened(EBNERD, tmp_path).report
    assert (report.impressions, report.clicks) == (4, 1)
    assert [note.removeprefix(f"{path}: ") for note in report.notes] == [
        "1 requests without an article in view are left out",
        "1 requests have clicks on articles that were not in view",
    ]


FULL = textwrap.dedent("""
    import resource, signal, sys
    from clickthrough.config.data import DataConfig
    from clickthrough.data.open import open_dataset
    from clickthrough.errors import DataError
    from pydantic import TypeAdapter

    config = TypeAdapter(DataConfig).validate_json(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        open_dataset(config)
    except DataError as error:
        print(error)
""")
"""Converts a log where no file may become longer than a number of bytes."""


def write_large_tabular(folder: Path) -> None:
    write_tabular(folder)
    rows = [f"{n},2024-01-01T12:00:00,u{n},{n},top,1.5,{n % 2}" for n in range(9_000)]
    (folder / "log.csv").write_text("\n".join([HEADER, *rows]) + "\n")


def write_large_outbrain(folder: Path) -> None:
    write_outbrain(folder, random_tables(2_000))


def write_packed_outbrain(folder: Path) -> None:
    write_outbrain(folder, random_tables(2_000), ".csv.gz")


LARGE = [
    Kind("outbrain", write_large_outbrain, "", 0),
    Kind("outbrain", write_packed_outbrain, "", 0),
    Kind("tabular", write_large_tabular, "log.csv", 0),
    Kind("ebnerd", lambda folder: write_ebnerd(folder, 9_000), "", 0),
]


@pytest.mark.parametrize("size", [0, 3_000, 40_000])
@pytest.mark.parametrize("kind", LARGE, ids=["outbrain", "outbrain gz", "tabular", "ebnerd"])
def test_a_full_disk_is_told_as_such(tmp_path: Path, kind: Kind, size: int) -> None:
    kind.write(tmp_path / "log")
    config: DataConfig = TypeAdapter(DataConfig).validate_python(kind.settings(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", FULL, config.model_dump_json(), str(size)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "cache") in done.stdout
    assert "cannot be written" in done.stdout
    assert "read" not in done.stdout
    assert list((tmp_path / "cache").iterdir()) == []
    assert opened(kind, tmp_path).report.impressions > 5_000


def test_an_interrupted_conversion_is_one_line_and_the_next_one_succeeds(tmp_path: Path) -> None:
    write_outbrain(tmp_path / "log", random_tables(40_000))
    command = [sys.executable, "-c", "from clickthrough.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "train", "outbrain", "--data", str(tmp_path / "log")],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    cache = tmp_path / ".clickthrough/cache"
    until = time.monotonic() + 60
    while not list(cache.glob("converting-*/scratch/*")) and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in out + err
    assert list(cache.iterdir()) == []
    config = {"reader": "outbrain", "path": tmp_path / "log", "cache": cache}
    made: DataConfig = TypeAdapter(DataConfig).validate_python(config)
    assert open_dataset(made).report.requests == 40_000
