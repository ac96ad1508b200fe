"""The Redis of the manifests, started as they say, is one that the service takes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from clickthrough.store import open_store
from tests.deploy.render import CONFIG, Pod, of_kind, pod, render
from tests.lacking import lacking
from tests.ports import free_port
from tests.waiting import in_time

PASSWORD = "c0ffee" * 8


class Running(NamedTuple):
    """A server that was started as a pod would start it."""

    made: Pod
    port: int
    process: int

    def probe(self, name: str, password: str = PASSWORD) -> int:
        """Ask as the cluster would, and return the status."""
        program, *arguments = self.made.container[f"{name}Probe"]["exec"]["command"]
        asked = [program, "-p", str(self.port), *arguments]
        environment = os.environ | {"REDISCLI_AUTH": password}
        return subprocess.run(asked, env=environment, capture_output=True, check=False).returncode


def _arguments(made: Pod, configuration: Path) -> list[str]:
    """Return the pod's command line, its variables filled in."""
    said = " ".join([*made.container["command"], *made.container["args"]])
    known = {"CTR_STORE_PASSWORD": PASSWORD, "REDIS_MAXMEMORY": "512mb"}
    for name, value in known.items():
        said = said.replace(f"$({name})", value)
    assert "$(" not in said
    return said.replace("/etc/redis/redis.conf", str(configuration)).split()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A server by the configuration and the arguments of the manifests."""
    pytest.importorskip("redis", reason="redis is not installed: pip install '.[redis]'")
    if shutil.which("redis-server") is None:
        lacking("no redis-server: make test-system")
    documents = render(CONFIG / "overlays" / "staging")
    maps = [each["data"] for each in of_kind(documents, "ConfigMap")]
    (said,) = [data["redis.conf"] for data in maps if "redis.conf" in data]
    file, port, made = tmp_path / "redis.conf", free_port(), pod(documents, "ctr-redis")
    file.write_text(said.replace("dir /data", f"dir {tmp_path}"))
    started = [*_arguments(made, file), "--port", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(started, stdout=subprocess.DEVNULL) as process:
        server = Running(made, port, process.pid)
        try:
            in_time(lambda: server.probe("startup") == 0)
            yield server
        finally:
            process.terminate()


def test_the_service_takes_it_as_its_store(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTR_STORE_PASSWORD", PASSWORD)
    with closing(open_store(f"redis://127.0.0.1:{running.port}?deadline_ms=1000")) as store:
        assert store.durability == "second"


def test_its_probes_tell_whether_it_can_be_read(running: Running) -> None:
    assert running.probe("readiness") == running.probe("liveness") == 0
    assert running.probe("readiness", password="another") != 0  # noqa: S106


def test_it_shows_no_password_among_the_processes(running: Running) -> None:
    title = Path(f"/proc/{running.process}/cmdline")
    if not title.exists():
        pytest.skip("processes are not listed in /proc here")
    assert PASSWORD not in title.read_text()
