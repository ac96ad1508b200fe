"""The wheel and the sdist: built, each installed where nothing else is, and tried."""

import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.ci.answers import Answers
from deploy.ci.command import run
from deploy.ci.errors import PipelineError, UsageError

ROOT = Path(__file__).resolve().parents[2]
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_MINUTES = 15 * 60
_TOLERANCE = 1e-4
_WHERE = """
import importlib.util, clickthrough
print(clickthrough.__file__)
print(clickthrough.__version__)
torch = importlib.util.find_spec("torch")
print(torch.origin if torch else None)
"""


@dataclass(frozen=True)
class Trial:
    """How a package is tried.

    Attributes:
        lock: the versions and hashes of what it needs; None for what the index has.
        borrowed: a directory of packages, instead of installing any: for machines without network.
        bundle: is scored with, if there is one.
        answers: what it is known to answer.
    """

    lock: Path | None = None
    borrowed: Path | None = None
    bundle: Path | None = None
    answers: Answers | None = None


def version() -> str:
    """Return the version that the code says it has."""
    found = _VERSION.search((ROOT / "clickthrough" / "_version.py").read_text(encoding="utf-8"))
    if found is None:
        raise PipelineError("clickthrough/_version.py: names no version")
    return found[1]


def check_tag(tag: str) -> str:
    """Return the version that a tag names.

    Raises:
        UsageError: the code has another one.
    """
    if tag != f"v{version()}":
        raise UsageError(f"tag {tag}: the code is version {version()}, whose tag is v{version()}")
    return version()


def build(out: Path) -> list[Path]:
    """Build both; return the wheel and the sdist.

    Raises:
        UsageError: there is something already.
    """
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"--out {out}: is not empty")
    # what builds is what is installed here, at versions that are known
    command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT))
    run(*command, seconds=_MINUTES)
    made = [*out.glob("*.whl"), *out.glob("*.tar.gz")]
    if len(made) != 2 or not all(f"-{version()}" in path.name for path in made):
        raise PipelineError(f"{out}: expected a wheel and an sdist of {version()}, found {made}")
    return made


def try_out(package: Path, trial: Trial) -> str:
    """Install a package in an environment of its own, and use it; say what was tried.

    Raises:
        PipelineError: it cannot be installed, or is not what it should be.
    """
    with tempfile.TemporaryDirectory(prefix="ctr-package-") as name:
        place = Path(name)
        run(sys.executable, "-m", "venv", "--without-pip", str(place / "venv"))
        installed = Installed(place / "venv", trial)
        installed.install(package)
        installed.check_place(package.name)
        told = ["imported", "run"]
        if trial.bundle is not None and trial.answers is not None:
            count = installed.check_scores(trial.bundle, trial.answers, place)
            told.append(f"{count} probabilities as known")
    return f"{package.name}: installed alone, {', '.join(told)}"


class Installed:
    """An environment that holds the package and what it needs.

    Args:
        venv: its directory.
        trial: how the package is tried.
    """

    def __init__(self, venv: Path, trial: Trial) -> None:
        self._venv, self._trial = venv, trial
        self._python, self._program = venv / "bin" / "python", venv / "bin" / "clickthrough"
        kept = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        self._env = {k: v for k, v in os.environ.items() if k not in kept}

    def install(self, package: Path) -> None:
        """Install what it needs, then it."""
        if self._trial.borrowed is not None:
            (site,) = self._venv.glob("lib/python*/site-packages")
            (site / "borrowed.pth").write_text(f"{self._trial.borrowed.resolve()}\n")
            self._pip("--no-deps", "--no-index", "--no-build-isolation", str(package))
            return
        if self._trial.lock is not None:
            self._pip("--require-hashes", "--no-deps", "--requirement", str(self._trial.lock))
        self._pip(str(package))

    def check_place(self, name: str) -> None:
        """See that it is what is imported and run, of this version, without torch."""
        place, found, torch = self._run(str(self._python), "-I", "-c", _WHERE).split()
        if not Path(place).is_relative_to(self._venv.resolve()):
            raise PipelineError(f"{name}: what is imported lies elsewhere: {place}")
        if found != version():
            raise PipelineError(f"{name}: is version {found}, expected {version()}")
        if Path(torch).is_relative_to(self._venv.resolve()):
            raise PipelineError(f"{name}: brings torch, which serving does without")
        said = self._run(str(self._program), "--version").strip()
        if said != f"clickthrough {version()}":
            raise PipelineError(f"{name}: clickthrough --version says {said}")
        self._run(str(self._program), "serve", "--help")

    def check_scores(self, bundle: Path, answers: Answers, place: Path) -> int:
        """Score what is known; return how many probabilities were as they are known."""
        asked = [each for each in answers.questions if each.path == "/predict"]
        rows = [row for each in asked for row in each.body["impressions"]]
        known = [value for each in asked for value in each.probabilities]
        source, out = place / "rows.jsonl", place / "scored.jsonl"
        source.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        self._run(str(self._program), "predict", str(bundle), str(source), "--out", str(out))
        lines = out.read_text(encoding="utf-8").splitlines()
        given = [float(json.loads(line)["probability"]) for line in lines]
        _compare(given, known)
        return len(known)

    def _pip(self, *arguments: str) -> None:
        # the pip that is here, so that the environment stays without one
        pip = (sys.executable, "-m", "pip", "--python", str(self._python), "install", "--quiet")
        quick = ("--no-cache-dir", "--disable-pip-version-check")
        run(*pip, *quick, *arguments, seconds=_MINUTES, env=self._env)

    def _run(self, *command: str) -> str:
        return run(*command, seconds=300, env=self._env)


def _compare(given: Sequence[float], known: Sequence[float]) -> None:
    if len(given) != len(known):
        raise PipelineError(f"clickthrough predict: {len(given)} rows, expected {len(known)}")
    for place, (found, expected) in enumerate(zip(given, known, strict=True)):
        if not abs(found - expected) <= _TOLERANCE:
            raise PipelineError(f"clickthrough predict, row {place}: {found}, expected {expected}")
