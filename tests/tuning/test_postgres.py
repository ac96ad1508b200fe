"""A study in a real PostgreSQL, that several machines work on."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clickthrough.errors import ConfigError
from clickthrough.tuning.crew import Crew
from clickthrough.tuning.storage import open_study
from tests.ports import free_port
from tests.tuning.fake import start
from tests.tuning.test_kills import check_recovery, check_whole, crew, opened

pytestmark = pytest.mark.slow

HOME = Path("/usr/lib/postgresql")
BIN = max(HOME.glob("*/bin"), default=HOME / "bin")


def as_owner(*command: object) -> None:
    """Run a command of the server, which root may not."""
    owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    before = owner if os.geteuid() == 0 else []
    subprocess.run(
        [*before, *map(str, command)], check=True, capture_output=True, timeout=60, cwd="/"
    )


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install '.[postgres]'")
    if not (BIN / "initdb").exists():
        pytest.skip(f"no PostgreSQL in {HOME}: make test-system")
    folder = Path(tempfile.mkdtemp(prefix="clickthrough-postgres-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    port, data = free_port(), folder / "data"
    as_owner(BIN / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    as_owner(BIN / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://postgres:secret@127.0.0.1:{port}/postgres"
    finally:
        as_owner(BIN / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_two_machines_work_on_one_study_while_workers_are_killed(
    storage: str, tmp_path: Path
) -> None:
    # the name of the directory is that of the study; in each lies what one machine keeps
    folders = [tmp_path / machine / "machines" for machine in "ab"]
    queues = [opened(folder, storage) for folder in folders]
    moments = [[f"taken:{n}" for n in (1, 2)] for _ in folders]

    def run(place: int) -> None:
        folders[place].mkdir(parents=True)

        def one() -> Any:  # noqa: ANN401
            moment = moments[place].pop() if moments[place] else ""
            return start(folders[place], 8, moment, CTR_TUNE_STORAGE=storage)

        Crew(queues[place], one, 1).run(8, {}, lambda done: None)

    with crew(lambda: run(0)), crew(lambda: run(1)):
        pass
    for folder in folders:
        check_whole(queues[0], folder, 8)
    told = [(folder / "told.txt").read_text() for folder in folders]
    assert all(told)  # both had a part in it


def test_a_killed_worker_s_trial_is_run_again_within_seconds(storage: str, tmp_path: Path) -> None:
    (tmp_path / "recovery").mkdir()
    check_recovery(tmp_path / "recovery", 2, storage)


def test_a_study_of_something_else_is_refused(storage: str, tmp_path: Path) -> None:
    open_study(tmp_path / "other", storage, ["minimize"], {"log": "a"})
    open_study(tmp_path / "other", storage, ["minimize"], {"log": "a"})
    with pytest.raises(ConfigError, match="'other' of --storage: is of another log"):
        open_study(tmp_path / "other", storage, ["minimize"], {"log": "b"})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:secret@127.0.0.1:1/db", r"--storage postgresql://me:\*\*\*@.*: no conn"),
        ("sqlite:///study.db", "expected a postgresql:// URL, found one of sqlite"),
        ("me:secret", "expected postgresql://user@host/database"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(
    url: str, said: str, tmp_path: Path
) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(ConfigError, match=said) as error:
        open_study(tmp_path, url, ["minimize"], {})
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
