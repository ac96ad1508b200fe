"""The verbs of deploy/ci, run as pipelines run them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT

CI = ROOT / "deploy" / "ci"


class Done:
    """What a verb did.

    Attributes:
        status: its exit status.
        out: what it printed as its result.
        said: what else it said.
    """

    def __init__(self, status: int, out: str, said: str) -> None:
        self.status, self.out, self.said = status, out, said

    def __repr__(self) -> str:
        return f"status {self.status}\n{self.out}\n{self.said}"


def environment(programs: Path | None = None, **variables: str) -> dict[str, str]:
    """Return an environment whose programs begin with those of a directory."""
    base = {k: v for k, v in os.environ.items() if not k.startswith("CTR_") and k != "PYTHONPATH"}
    if programs is not None:
        base["PATH"] = f"{programs}{os.pathsep}{base['PATH']}"
    return {**base, **variables}


def command(*arguments: object) -> list[str]:
    """Return what runs a verb."""
    return [sys.executable, str(CI), *map(str, arguments)]


def ci(*arguments: object, env: Mapping[str, str] | None = None, seconds: float = 120) -> Done:
    """Run a verb."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=seconds, check=False,
        env=environment() if env is None else env, cwd="/",
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def refused(*arguments: object, env: Mapping[str, str] | None = None) -> str:
    """Run a verb that cannot be done; return the one line that says why."""
    done = ci(*arguments, env=env)
    assert done.status == 2, done
    assert not done.out, done
    (line,) = done.said.strip().splitlines()
    assert line.startswith("error: ")
    return line


def program(folder: Path, name: str, text: str) -> Path:
    """Write an executable Python program that stands for another; return its directory."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!{sys.executable} -S\n{text}")
    file.chmod(0o755)
    return folder
