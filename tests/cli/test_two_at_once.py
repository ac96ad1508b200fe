"""Two commands at once into one place, as processes: a whole result each, or a line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from clickthrough.bundle import load_bundle
from clickthrough.data.dataset import load_dataset
from tests.cli.process import MAIN, run
from tests.conftest import ROOT
from tests.logs import make_values
from tests.training.distributed.launch import torchrun

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX"),
]
TRAIN = ("-q", "train", "config.yaml", "--no-baselines")


@pytest.fixture
def folder(tmp_path: Path, log_folder: Path) -> Path:
    """Where commands run: a configuration whose log has not been read yet."""
    values = make_values(log_folder, epochs=2)
    values["data"]["cache"] = str(tmp_path / "cache")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    return tmp_path


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextmanager
def halted(folder: Path, lock: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Halt a command where it holds its place; it goes on, and ends well, afterwards."""
    process = start(folder, *arguments)
    try:
        until = time.monotonic() + 120
        while not ((folder / lock).exists() and (folder / lock).read_text()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        yield process
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert not (folder / lock).exists()
    finally:
        process.kill()
        process.communicate()


def refused(done: "subprocess.CompletedProcess[str]", place: str, first: int) -> None:
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"error: {place}: another run works on it, process {first} since ")
    assert line.endswith("wait for its end, or name another place with --out")


def test_a_second_training_is_refused_before_the_work(folder: Path, bundle_path: Path) -> None:
    with halted(folder, ".m.lock", *TRAIN, "--out", "m") as first:
        for more in ((), ("--resume",)):
            refused(run(*TRAIN, "--out", "m", *more, folder=folder), "m", first.pid)
        calibrated = run("-q", "calibrate", bundle_path, "--out", "m", folder=folder)
        refused(calibrated, "m", first.pid)
        assert not (folder / "m").exists()
    load_bundle(folder / "m")
    assert [path.name for path in folder.glob(".m*")] == []


@pytest.mark.parametrize(
    ("lock", "arguments"),
    [
        ("c/.lock", ("compare", "config.yaml", "--models", "mlp", "--seeds", "1", "--out", "c")),
        ("s/.lock", ("select", "config.yaml", "--out", "s")),
        (".log.lock", ("simulate", "log", "--impressions", "20000")),
    ],
    ids=["compare", "select", "simulate"],
)
def test_a_second_one_of_each_verb_that_works_long(
    lock: str, arguments: tuple[str, ...], folder: Path
) -> None:
    with halted(folder, lock, "-q", *arguments) as first:
        refused(run("-q", *arguments, folder=folder), arguments[-1].replace("20000", "log"),
                first.pid)  # fmt: skip


def test_of_several_processes_one_tells(folder: Path) -> None:
    whole = [str(folder / "config.yaml"), "--out", str(folder / "m"), "--no-baselines"]
    with halted(folder, ".m.lock", "-q", "train", *whole) as first:
        done = torchrun(2, "clickthrough", "train", *whole)
        assert done.returncode != 0
        said = f"error: {folder / 'm'}: another run works on it, process {first.pid} since "
        assert done.stderr.count(said) == 1
        assert "lost another one" not in done.stderr


def test_both_convert_one_log_at_once(folder: Path) -> None:
    """Into one cache, with one history: each computes what it needs, and one of each is kept."""
    both = [start(folder, *TRAIN, "--out", name) for name in ("one", "two")]
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    versions = {load_bundle(folder / name).manifest.version for name in ("one", "two")}
    assert len(versions) == 1
    (cached,) = (folder / "cache").iterdir()
    load_dataset(cached)
    assert list(cached.rglob("computing-*")) == []


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("export", "BUNDLE", "--to", "onnx", "--no-example", "--out", "e"), "e"),
        (("report", "BUNDLE", "--out", "r.html"), "r.html"),
        (("predict", "BUNDLE", "rows.jsonl", "--out", "p.csv"), "p.csv"),
        (("schema", "--out", "s.json"), "s.json"),
        (("init", "LOG", "--out", "c.yaml"), "c.yaml"),
    ],
    ids=["export", "report", "predict", "schema", "init"],
)
def test_whole_results_of_verbs_that_write_at_their_end(
    arguments: tuple[str, ...], place: str, folder: Path, bundle_path: Path, log_folder: Path
) -> None:
    rows = [{"uuid": f"u{number}", "ad": 100} for number in range(500)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    where = {"BUNDLE": str(bundle_path), "LOG": str(log_folder / "log.csv")}
    given = [where.get(one, one) for one in arguments]
    done = run("-q", *given, folder=folder)
    assert done.returncode == 0, done.stderr
    alone = what_lies_at(folder / place)
    for both in range(2):
        started = [start(folder, "-q", *given, *again(arguments, bool(both))) for _ in range(3)]
        for process in started:
            _, err = process.communicate(timeout=120)
            assert process.returncode in (0, 2), err
            assert len(err.strip().splitlines()) == (process.returncode == 2), err
        assert what_lies_at(folder / place) == alone
    left = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    assert left <= {".clickthrough"}


def again(arguments: tuple[str, ...], both: bool) -> list[str]:
    """Replace what stands there, where a verb does so only if it is told to."""
    return ["--force"] if both and arguments[0] in ("export", "init") else []


def what_lies_at(place: Path) -> dict[str, bytes]:
    """Return the files at a place, and how a single one ends."""
    if place.is_dir():
        return {str(path.relative_to(place)): b"" for path in place.rglob("*")}
    return {place.name: place.read_bytes()[-8:]}
