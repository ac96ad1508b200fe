"""The service's image: what is in it, how it starts, and what it answers."""

import json
import re
import shutil
import socket
import time
from pathlib import Path

import pytest

from clickthrough.bundle import load_bundle
from tests.redis.server import RedisServer
from tests.serving.bundles import another, calibrated
from tests.serving.hostile.servers import ORDINARY
from tests.stack.container import Container, refused, started
from tests.stack.engine import Engine
from tests.waiting import in_time

pytestmark = pytest.mark.stack
MOST_BYTES = 300_000_000
"""On disk, without the model."""


def test_it_is_small(engine: Engine, bare_image: str) -> None:
    assert engine.size(bare_image) < MOST_BYTES


def test_it_answers_with_nothing_but_a_place_for_its_store_to_write_to(
    engine: Engine, service_image: str, bundle_path: Path
) -> None:
    with started(engine, service_image) as made:
        version = load_bundle(bundle_path).manifest.version
        assert made.ask("/health")[1]["version"] == version
        for path, body in ORDINARY.items():
            status, said = made.ask(path, body)
            assert status == 200, (path, said)
        assert made.ask("/predict", ORDINARY["/predict"])[1]["version"] == version
        assert made.ask("/events", ORDINARY["/events"])[1]["durability"] == "disk"


def test_a_container_that_starts_again_remembers(engine: Engine, service_image: str) -> None:
    with started(engine, service_image) as made:
        first = made.ask("/events", ORDINARY["/events"])[1]
        engine.podman("restart", "--time", "20", made.name)
        made.until_ready()
        again = made.ask("/events", ORDINARY["/events"])[1]
    assert first != again
    assert again["duplicates"] == 1, again


def test_one_user_without_rights_and_no_program_but_python(
    engine: Engine, service_image: str
) -> None:
    with started(engine, service_image) as made:
        told = made.python(
            "import os, shutil; print(os.getuid(), os.getgid(),"
            " [p for p in ('sh', 'bash', 'dash', 'apt-get', 'pip', 'perl') if shutil.which(p)])"
        )
        assert told.split() == ["10001", "10001", "[]"]
        programs = made.python("import os; print(sorted(os.listdir('/usr/bin')))")
        assert re.fullmatch(r"\['python3', 'python3\.\d+'\]\n", programs)
        processes = made.python("import os; print(sum(n.isdigit() for n in os.listdir('/proc')))")
        assert int(processes) == 2  # the service, and who asks
        writable = made.python(
            "import os; print([p for p, _, _ in os.walk('/') if os.access(p, os.W_OK)"
            " and not p.startswith(('/proc', '/dev', '/sys'))])"
        )
        assert writable.strip() == "['/var/lib/ctr']"
        # and by its rights, where somebody runs it on a root that can be written to
        open_to_all = made.python(
            "import os; print(sorted(p for p, _, _ in os.walk('/') if os.stat(p).st_mode & 2"
            " and not p.startswith(('/proc', '/dev', '/sys'))))"
        )
        assert open_to_all.strip() == "['/tmp', '/var/lib/ctr']"


def test_the_bytecode_is_kept(engine: Engine, service_image: str) -> None:
    with started(engine, service_image) as made:
        code = (
            "import pathlib; print([str(p) for top in ('/opt', '/usr/lib')"
            " for p in pathlib.Path(top).rglob('*.py')"
            " if not list((p.parent / '__pycache__').glob(p.stem + '.cpython-*.pyc'))])"
        )
        assert made.python(code).strip() == "[]"
        # a traceback names where a file lies, not where it was compiled
        places = "; ".join(
            f"import {module} as m; print(m.{function}.__code__.co_filename == m.__file__)"
            for module, function in (
                ("json.decoder", "JSONDecoder.decode"),
                ("msgspec._utils", "get_class_annotations"),
                ("clickthrough.serving.health_check", "main"),
            )
        )
        assert made.python(places).split() == ["True"] * 3


def test_the_health_check_asks_the_service(engine: Engine, service_image: str) -> None:
    check = ("/usr/bin/python3", "-m", "clickthrough.serving.health_check")
    told = json.loads(engine.podman("image", "inspect", service_image))[0]
    assert told["Healthcheck"]["Test"] == ["CMD", *check]
    with started(engine, service_image) as made:
        assert "alive" in engine.podman("exec", made.name, *check)
        status, said = engine.tried("exec", "--env", "CTR_PORT=1", made.name, *check)
        assert status == 1
        assert "port 1: [Errno 111]" in said


def test_it_names_its_release_and_packages_as_scanners_ask(
    engine: Engine, service_image: str
) -> None:
    with started(engine, service_image) as made:
        assert re.match(r"\d+\.\d+", made.python("print(open('/etc/debian_version').read())"))
        assert "debian" in made.python(
            "import platform as p; print(p.freedesktop_os_release()['ID'])"
        )


def test_it_ends_at_once_while_it_loads(engine: Engine, service_image: str) -> None:
    # by a Redis that takes the connection and says nothing
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = f"CTR_STORE=redis://127.0.0.1:{silent.getsockname()[1]}?deadline_ms=1000"
        silent.settimeout(60)
        with started(engine, service_image, "--env", store, ready=False) as made:
            held, _ = silent.accept()
            engine.podman("kill", "--signal", "TERM", made.name)
            assert made.exit_status() == 143
            held.close()


def test_it_is_ready_soon(engine: Engine, service_image: str) -> None:
    # how soon is measured by benchmarks/image.py; here, that it waits for nothing
    began = time.monotonic()
    with started(engine, service_image):
        assert time.monotonic() - began < 30


def test_a_mounted_bundle_is_served_and_replaced(
    engine: Engine, bare_image: str, bundle_path: Path, tmp_path: Path
) -> None:
    bundles = tmp_path / "bundles"
    shutil.copytree(bundle_path, bundles / "first")
    another(bundle_path, bundles / "second", calibrated(0.3))
    (bundles / "current").symlink_to("first")
    place = ("--volume", f"{bundles}:/bundles:ro", "--env", "CTR_BUNDLE=/bundles/current")
    with started(engine, bare_image, *place, "--env", "CTR_WATCH=0.2") as made:
        before = made.ask("/predict", ORDINARY["/predict"])[1]["version"]
        (bundles / "next").symlink_to("second")
        (bundles / "next").rename(bundles / "current")
        after = load_bundle(bundles / "second").manifest.version
        in_time(lambda: made.ask("/predict", ORDINARY["/predict"])[1]["version"] == after)
    assert before == load_bundle(bundle_path).manifest.version != after


class TestRefused:
    """What cannot be served: a line that says why, and a status."""

    def test_no_bundle(self, engine: Engine, bare_image: str) -> None:
        status, said = refused(engine, bare_image)
        assert (status, len(said.splitlines())) == (2, 1)
        assert "/models: not a bundle" in said

    def test_a_tampered_bundle(
        self, engine: Engine, bare_image: str, bundle_path: Path, tmp_path: Path
    ) -> None:
        _tamper(bundle_path, tmp_path / "models")
        mounted = ("--volume", f"{tmp_path / 'models'}:/models:ro")
        status, said = refused(engine, bare_image, *mounted)
        assert status == 2
        assert re.search(r"/models: file \S+ was altered", said)

    def test_a_redis_that_is_away(self, engine: Engine, service_image: str) -> None:
        status, said = refused(engine, service_image, "--env", "CTR_STORE=redis://127.0.0.1:1")
        assert status == 2
        assert "redis://127.0.0.1:1/0: cannot be reached" in said

    def test_a_wrong_password(self, engine: Engine, service_image: str, tmp_path: Path) -> None:
        with RedisServer(tmp_path, "--requirepass", "right") as server:
            given = ("--env", f"CTR_STORE={server.url}", "--env", "CTR_STORE_PASSWORD=wrong")
            status, said = refused(engine, service_image, *given)
        assert status == 2
        assert "the password is wrong (CTR_STORE_PASSWORD)" in said
        assert "right" not in said

    def test_a_place_that_cannot_be_written_to(self, engine: Engine, service_image: str) -> None:
        status, said = refused(engine, service_image, "--env", "CTR_STORE=/models/s.sqlite")
        assert status == 2
        assert "/models cannot be written to" in said


def test_a_full_disk_refuses_events_and_scores_on(engine: Engine, service_image: str) -> None:
    small = "type=tmpfs,dst=/var/lib/ctr,tmpfs-mode=1777,tmpfs-size=2m,notmpcopyup"
    with started(engine, service_image, "--mount", small) as made:
        first_refused = _until_refused(made)
        status, said = made.ask("/events", first_refused)
        assert (status, said["detail"][:9]) == (503, "the store")
        assert made.ask("/predict", ORDINARY["/predict"])[0] == 200
        assert made.ask("/health/live")[0] == 200
        assert "full" in made.said()


def _until_refused(made: Container) -> object:
    """Send events until one body is refused; return it."""
    for number in range(2_000):
        one = {"type": "impression", "uuid": "u1", "ad": 1, "platform": "mobile", "price": 1.0}
        body = {"events": [{**one, "display_id": f"{number}-{i}"} for i in range(50)]}
        status, said = made.ask("/events", body)
        if status != 200:
            assert status == 503, said
            return body
    raise AssertionError("the disk is never full")


class TestBuild:
    """A build that cannot make an image says what to do."""

    def test_a_fresh_clone(self, engine: Engine, clone: Path) -> None:
        said = engine.refused(clone)
        assert "clickthrough: models: no bundle there" in said
        for told in ("make demo SERVE=0", "--build-arg BUNDLE=PATH", "--build-arg BUNDLE= "):
            assert told in said

    def test_a_bundle_that_was_trained_anew(
        self, engine: Engine, service_image: str, clone: Path, bundle_path: Path
    ) -> None:
        another(bundle_path, clone / "bundles" / "next", calibrated(0.3))
        try:
            engine.build(clone, "--build-arg", "BUNDLE=bundles/next", "--tag", "ctr-service:next")
        finally:
            shutil.rmtree(clone / "bundles")
        with started(engine, "ctr-service:next") as running:
            assert running.ask("/health")[1]["version"] != load_bundle(bundle_path).manifest.version

    def test_a_tampered_bundle(self, engine: Engine, clone: Path, bundle_path: Path) -> None:
        _tamper(bundle_path, clone / "models-tampered")
        try:
            said = engine.refused(clone, "--build-arg", "BUNDLE=models-tampered")
        finally:
            shutil.rmtree(clone / "models-tampered")
        assert re.search(r"clickthrough: models-tampered: file \S+ was altered", said)


def _tamper(bundle: Path, place: Path) -> None:
    shutil.copytree(bundle, place)
    path = next(place.rglob("*.onnx"))
    path.write_bytes(path.read_bytes() + b"\0")
