"""A bundle takes over whole and between requests, or not at all."""

import gc
import os
import shutil
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from clickthrough.bundle import layout, load_bundle
from clickthrough.bundle.manifest import read_manifest
from clickthrough.errors import BundleError
from clickthrough.serving import reload
from clickthrough.serving.app import create_app
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.reload import Current
from clickthrough.store import MemoryStore
from tests.logs import raw_rows
from tests.serving.bundles import another, calibrated, forgetful, put, reordered

TOKEN = {"authorization": "Bearer the token"}


@pytest.fixture
def place(bundle_path: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bundle_path, tmp_path / "models")


@pytest.fixture(scope="module")
def other(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that scores differently and knows no users."""
    return another(bundle_path, tmp_path_factory.mktemp("other") / "bundle", forgetful)


@pytest.fixture(scope="module")
def rows(log: pl.DataFrame) -> list[dict[str, Any]]:
    return raw_rows(log.tail(15))


@pytest.fixture
def client(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("CTR_RELOAD_TOKEN", "the token")
    monkeypatch.setenv("CTR_WATCH", "0")
    with TestClient(create_app(place, "memory"), raise_server_exceptions=False) as made:
        yield made


def version(folder: Path) -> str:
    return read_manifest(folder).version


def scores(client: TestClient, rows: list[dict[str, Any]]) -> tuple[str, list[float]]:
    said = client.post("/predict", json={"impressions": rows}).json()
    return said["version"], [entry["logit"] for entry in said["predictions"]]


def test_only_who_knows_the_token_may_reload(
    client: TestClient, place: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = version(place)
    put(other, place)
    for headers in ({}, {"authorization": "Bearer the tokem"}, {"authorization": "the token"},
                    {"authorization": "Basic dGhlIHRva2Vu"}, {"authorization": "Bearer "},
                    {"authorization": "Bearer \xff"}):  # fmt: skip
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        refused = client.post("/model/reload", headers=encoded)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    assert client.get("/health").json()["version"] == first
    answer = client.post("/model/reload", headers=TOKEN)
    assert (answer.status_code, answer.json()) == (
        200, {"previous": first, "version": version(other)},
    )  # fmt: skip
    assert client.get("/health").json()["version"] == version(other) != first
    monkeypatch.delenv("CTR_RELOAD_TOKEN")
    closed = TestClient(create_app(place, "memory")).post("/model/reload", headers=TOKEN)
    assert closed.status_code == 403
    assert "CTR_RELOAD_TOKEN" in closed.json()["detail"]


def test_scores_after_a_reload_are_those_of_a_new_process_on_the_same_store(
    place: Path, other: Path, tmp_path: Path, rows: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("CTR_RELOAD_TOKEN", "the token")
    store = tmp_path / "store.sqlite"
    early = [{**row, "ts": "2024-01-10T00:00:00Z"} for row in rows]
    shown = [{**row, "type": "impression"} for row in early[:7]]
    clicked = [{**row, "type": "click"} for row in early[:3]]
    with TestClient(create_app(place, store)) as client:
        asked = [{**row, "ts": "2024-02-01T00:00:00Z"} for row in rows]
        without_events = scores(client, asked)
        client.post("/events", json={"events": shown})
        before = scores(client, asked)
        put(other, place)
        assert scores(client, asked) == before
        assert client.post("/model/reload", headers=TOKEN).status_code == 200
        client.post("/events", json={"events": clicked})  # of impressions shown before
        after = scores(client, asked)
        with TestClient(create_app(place, store)) as fresh:
            assert scores(fresh, asked) == after
        ranking = {"candidates": asked}
        assert client.post("/rank", json=ranking).json()["version"] == version(other)
    assert len({tuple(found[1]) for found in (without_events, before, after)}) == 3
    assert after[0] == version(other)


def test_a_bad_bundle_leaves_the_old_one_serving_and_says_why(
    client: TestClient, place: Path, other: Path, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    before = scores(client, rows)

    def no_probability(folder: Path) -> None:
        calibrated(float("nan"))(folder)

    def no_graph(folder: Path) -> None:
        (folder / layout.ONNX).write_bytes(b"no graph")

    def altered(folder: Path) -> None:
        with (folder / layout.SCALER).open("a") as file:
            file.write(" ")

    whole = shutil.copytree(other, tmp_path / "altered")
    altered(whole)
    no_manifest = shutil.copytree(other, tmp_path / "no-manifest")
    (no_manifest / layout.MANIFEST).unlink()
    cases = [
        (whole, "was altered"),
        (no_manifest, "holds no manifest.json"),
        (another(other, tmp_path / "a", no_graph), "cannot be"),
        (another(other, tmp_path / "d", no_probability), "should be a finite number"),
    ]
    for bad, why in cases:
        put(bad, place)
        refused = client.post("/model/reload", headers=TOKEN)
        assert refused.status_code == 422, refused.text
        assert str(place.parent) not in refused.text + client.get("/model").text
        assert why in refused.json()["detail"]
        assert f"{before[0]} goes on serving" in refused.json()["detail"]
        assert why in client.get("/model").json()["refused"]
        assert scores(client, rows) == before
        assert client.get("/health/ready").status_code == 200
    shutil.rmtree(place)
    assert "no such bundle" in client.post("/model/reload", headers=TOKEN).json()["detail"]
    put(other, place)
    assert client.post("/model/reload", headers=TOKEN).status_code == 200
    assert client.get("/model").json()["refused"] is None
    assert scores(client, rows) != before


@pytest.mark.slow
def test_under_load_no_request_fails_and_each_is_answered_by_one_bundle(
    client: TestClient, place: Path, bundle_path: Path, other: Path, rows: list[dict[str, Any]]
) -> None:
    few, many = rows[:3], rows * 3
    expected = {
        version(folder): {
            size: [p.logit for p in Predictor.load(folder).predict(asked).predictions]
            for size, asked in (("few", few), ("many", many))
        }
        for folder in (bundle_path, other)
    }
    enough = threading.Event()
    seen: set[str] = set()

    def score() -> None:
        while not enough.is_set():
            for size, asked in (("few", few), ("many", many)):
                found, logits = scores(client, asked)
                assert logits == expected[found][size]
                seen.add(found)

    def send() -> int:
        count = 0
        while not enough.is_set():
            # of a time that these scores do not look back on
            event = {"type": "impression", "display_id": f"r{count}", "ad": 100, "uuid": "u1",
                     "ts": "2024-03-01T00:00:00Z"}  # fmt: skip
            answer = client.post("/events", json={"events": [event]})
            assert answer.json()["impressions"] == 1
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        scoring, sending = pool.submit(score), pool.submit(send)
        try:
            for turn in range(10):
                put((other, bundle_path)[turn % 2], place)
                assert client.post("/model/reload", headers=TOKEN).status_code == 200
        finally:
            enough.set()
        scoring.result(60)
        sent = sending.result(60)
    assert len(seen) == 2
    assert sent > 0
    again = [{"type": "impression", "display_id": f"r{n}", "ad": 100, "ts": "2024-03-01T00:00:00Z"}
             for n in range(sent)]  # fmt: skip
    known = [client.post("/events", json={"events": again[at : at + 50]}).json()
             for at in range(0, sent, 50)]  # fmt: skip
    assert sum(said["duplicates"] for said in known) == sent


def test_while_a_bundle_is_loaded_requests_wait_rather_than_be_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = Current(place, MemoryStore())
    seen: list[int] = []

    def load(path: Path, runtime: Any) -> Any:  # noqa: ANN401
        seen.append(current.patience)
        return load_bundle(path, runtime)

    monkeypatch.setattr(reload, "load_bundle", load)
    assert current.patience == 1
    current.reload()
    assert seen[0] == current.patience > 1
    monkeypatch.setattr(time, "monotonic", lambda: float("1e12"))
    assert current.patience == 1


def test_a_bundle_replaced_while_it_is_read_is_read_again(
    place: Path, bundle_path: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = Current(place, MemoryStore())
    read: list[str] = []

    def load_slowly(path: Path, runtime: Any) -> Any:  # noqa: ANN401
        bundle = load_bundle(path, runtime)
        read.append(bundle.manifest.version)
        if len(read) == 1:
            put(other, place)
        return bundle

    monkeypatch.setattr(reload, "load_bundle", load_slowly)
    assert current.reload() == (version(bundle_path), version(other))
    assert read == [version(bundle_path), version(other)]


def test_a_bundle_away_while_it_is_replaced_is_looked_for_again(
    place: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = Current(place, MemoryStore())
    tries = 0

    def load_late(path: Path, runtime: Any) -> Any:  # noqa: ANN401
        nonlocal tries
        tries += 1
        if tries == 1:
            shutil.rmtree(place)
            try:
                return load_bundle(path, runtime)
            finally:
                put(other, place)
        return load_bundle(path, runtime)

    monkeypatch.setattr(reload, "load_bundle", load_late)
    monkeypatch.setattr(reload, "_stands", lambda *_: tries > 1)
    assert current.reload()[1] == version(other)


def test_impressions_remembered_before_count_for_their_own_keys_after(
    place: Path, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    """The declaration of the next bundle may list the same counters in another order."""
    backwards = another(place, tmp_path / "backwards", reordered)
    sets = [[k.name for k in load_bundle(folder).plan.key_sets] for folder in (place, backwards)]
    assert sets[0] == sets[1][::-1] != sets[1]
    stores = []
    for successor in (place, backwards):
        store = MemoryStore()
        first = Predictor(load_bundle(place), store)
        first.observe([{**row, "type": "impression"} for row in rows])
        second = first.succeeded_by(load_bundle(successor), first.settings)
        assert second.observe([{**row, "type": "click"} for row in rows[::4]]).clicks == 4
        stores.append(store._values)
    assert stores[0] == stores[1]


@pytest.mark.slow
def test_what_served_before_is_let_go(place: Path, bundle_path: Path, other: Path) -> None:
    current = Current(place, MemoryStore())
    gone = []
    for turn in range(50):
        if turn % 10 == 0:
            put((other, bundle_path)[turn // 10 % 2], place)
        bundle = current.predictor.bundle
        gone += [weakref.ref(part) for part in (current.predictor, bundle, bundle.model)]
        del bundle
        current.reload()
    gc.collect()
    assert [part() for part in gone] == [None] * 150
    if sys.platform == "linux":
        maps = Path("/proc/self/maps").read_text().splitlines()
        mapped = [line.split()[-1] for line in maps if str(place) in line]
        assert len(mapped) <= len(read_manifest(place).files)


def test_a_bundle_that_scores_no_probability_does_not_start(place: Path, tmp_path: Path) -> None:
    nan = another(place, tmp_path / "nan", calibrated(float("nan")))
    with pytest.raises(BundleError, match="should be a finite number"):
        create_app(nan, "memory")


@pytest.mark.skipif(sys.platform != "linux", reason="a thread's own priority is Linux's")
def test_what_loads_gives_way_to_what_scores(
    place: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[int] = []

    def load(*args: Any) -> Any:  # noqa: ANN401
        with ThreadPoolExecutor(1) as hashing:  # such threads inherit it
            loaded.append(hashing.submit(niceness).result())
        return load_bundle(*args)

    current = Current(place, MemoryStore())
    monkeypatch.setattr(reload, "load_bundle", load)
    put(other, place)
    before = niceness()
    current.reload()
    assert current.version == version(other)
    assert loaded == [min(before + reload.NICENESS, 19)]
    assert niceness() == before
    current.close()


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
