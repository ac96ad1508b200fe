"""A server or a store that will not do is refused in a line, before anything is counted."""

import shutil
import subprocess
from pathlib import Path

import pytest
from redis import Redis

from clickthrough.errors import StoreAwayError, StoreError
from clickthrough.store import open_store
from clickthrough.store.base import Durability, Store
from tests.ports import free_port
from tests.redis.server import SYNCED, RedisServer
from tests.waiting import in_time


def check_works(url: str) -> None:
    """Write and read."""
    store = open_store(url)
    store.update(lambda tx: tx.write({b"a": b"1"}))
    assert store.read([b"a"]) == [b"1"]
    store.close()


def refusal(url: str) -> str:
    with pytest.raises(StoreError) as refused:
        open_store(url)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_nobody_there() -> None:
    said = refusal(f"redis://127.0.0.1:{free_port()}")
    assert "cannot be reached" in said
    assert "refused" in said


def test_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer(tmp_path, "--requirepass", "right") as server:
        assert "a password is needed (CTR_STORE_PASSWORD)" in refusal(server.url)
        monkeypatch.setenv("CTR_STORE_PASSWORD", "wrong")
        said = refusal(server.url)
        assert "the password is wrong (CTR_STORE_PASSWORD)" in said
        monkeypatch.setenv("CTR_STORE_PASSWORD", "right")
        check_works(f"{server.url}?deadline_ms=1000")


@pytest.mark.slow
def test_tls(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
         certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    with RedisServer(
        tmp_path / "server",
        "--tls-port",
        str(port),
        "--tls-cert-file",
        str(certificate),
        "--tls-key-file",
        str(key),
        "--tls-auth-clients",
        "no",
    ) as server:
        assert "does the port want rediss://?" in refusal(f"redis://127.0.0.1:{port}")
        assert "does the port want redis://?" in refusal(server.url.replace("redis:", "rediss:"))
        assert "certificate verify failed" in refusal(f"rediss://127.0.0.1:{port}")
        check_works(f"rediss://127.0.0.1:{port}?ca={certificate}&deadline_ms=1000")


def test_a_store_of_another_layout_is_refused_and_left_alone(server: RedisServer) -> None:
    with Redis(port=server.port) as client:
        client.set("{ctr}:format", "7")
        assert "is of format b'7', this version reads b'1'; name another" in refusal(server.url)
        assert client.keys() == [b"{ctr}:format"]
    open_store(f"{server.url}?prefix=other").close()


def test_a_server_that_forgets_where_memory_is_full_is_refused(server: RedisServer) -> None:
    with Redis(port=server.port) as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
    said = refusal(server.url)
    assert "maxmemory-policy allkeys-lru" in said
    assert "expected noeviction" in said


def test_a_server_that_repeats_what_it_was_sent_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RedisServer(tmp_path, "--rename-command", "AUTH", "X") as server:
        monkeypatch.setenv("CTR_STORE_PASSWORD", "hun'ter2")
        said = refusal(server.url)
        assert "AUTH" in said
        assert "ter2" not in said


def test_a_service_starts_where_memory_is_full(server: RedisServer) -> None:
    store = open_store(f"{server.url}?deadline_ms=1000")
    store.update(lambda tx: tx.write({b"a": b"1"}))
    with Redis(port=server.port) as client:
        client.config_set("maxmemory", "1")
    again = open_store(f"{server.url}?deadline_ms=1000")
    assert again.read([b"a"]) == [b"1"]
    for one in (store, again):
        one.close()


def test_another_server_in_its_place_is_looked_at_anew(tmp_path: Path) -> None:
    with RedisServer(tmp_path, *SYNCED) as server:
        store = open_store(f"{server.url}?deadline_ms=1000")
        kept = [store.durability]
        store.update(lambda tx: tx.write({b"a": b"1"}))
        server.kill()
        server.start("--appendonly", "no")
        store.update(lambda tx: tx.write({b"a": b"2"}))
        kept.append(store.durability)
        assert kept == ["disk", "memory"]
        with Redis(port=server.port) as client:
            assert client.get("{ctr}:format") == b"1"
            client.set("{ctr}:format", "9")
        server.kill()
        server.start("--appendonly", "no")
        with Redis(port=server.port) as client:
            client.set("{ctr}:format", "9")
        with pytest.raises(StoreError, match="is of format b'9'"):
            store.update(lambda tx: tx.write({b"a": b"3"}))
        store.close()


def test_a_replica_is_refused(server: RedisServer, tmp_path: Path) -> None:
    with RedisServer(tmp_path / "replica", "--replicaof", "127.0.0.1", str(server.port)) as replica:
        assert "is a replica, which takes no changes; name its primary" in refusal(replica.url)


def test_a_command_that_is_forbidden_is_named(server: RedisServer) -> None:
    with Redis(port=server.port) as client:
        client.acl_setuser(
            "ann", enabled=True, passwords=["+secret"], keys=["*"], categories=["+@read"]
        )
    said = refusal(server.url.replace("//", "//ann:secret@"))
    assert "no permissions" in said.lower()
    assert "secret" not in said


@pytest.mark.parametrize(
    ("options", "durability"),
    [
        (SYNCED, "disk"),
        (("--appendonly", "yes", "--appendfsync", "everysec"), "second"),
        (("--appendonly", "yes", "--appendfsync", "no"), "memory"),
        (("--appendonly", "no"), "memory"),
        (("--rename-command", "CONFIG", ""), "unknown"),
        ((*SYNCED, "--no-appendfsync-on-rewrite", "yes"), "memory"),
    ],
)
def test_what_may_be_lost_is_known(
    tmp_path: Path, options: tuple[str, ...], durability: Durability
) -> None:
    with RedisServer(tmp_path, *options) as server:
        store = open_store(server.url)
        assert store.durability == durability
        store.close()


def test_in_a_cluster_all_keys_lie_on_one_server(tmp_path: Path) -> None:
    servers = [RedisServer(tmp_path / str(n), "--cluster-enabled", "yes").start() for n in range(2)]
    try:
        clients = [Redis(port=server.port) for server in servers]
        for n, client in enumerate(clients):
            client.cluster("ADDSLOTSRANGE", 8_192 * n, 8_192 * n + 8_191)
        clients[0].cluster("MEET", "127.0.0.1", servers[1].port)
        _wait_for_cluster(clients)
        for prefix in ("a", "b", "c", "d"):  # some of them lie on either
            for server in servers:
                store = open_store(f"{server.url}?prefix={prefix}&deadline_ms=1000")
                values = {f"{n}".encode(): b"1" for n in range(50)}
                store.update(lambda tx, values=values: tx.write(values, expires=9))  # type: ignore[misc]
                assert store.read(list(values)) == [b"1"] * 50
                assert store.count() == 50
                assert store.expire(10) == 50
                store.close()
        held = [client.dbsize() for client in clients]
        assert all(held), held
        _move(clients, servers, "a")
        store = open_store(f"{servers[0].url}?prefix=a&deadline_ms=1000")
        store.update(lambda tx: tx.write({b"1": b"1"}))
        _move(clients, servers, "a")  # behind its back
        with pytest.raises(StoreError, match="its keys have moved to 127"):
            store.update(lambda tx: tx.write({b"1": b"2"}))
        store.update(lambda tx: tx.write({b"1": b"3"}))
        for _ in range(2):
            in_time(lambda: _read_or_away(store, b"1") == b"3")
            _move(clients, servers, "a")  # whoever only reads finds it too
        store.close()
        assert "SELECT is not allowed in cluster mode" in refusal(f"{servers[0].url}/1")
    finally:
        for server in servers:
            server.kill()


def _read_or_away(store: Store, key: bytes) -> bytes | None:
    """Return a value, None where the store is away: it may have found the server again by now."""
    try:
        return store.read([key])[0]
    except StoreAwayError:
        return None


def _move(clients: list[Redis], servers: list[RedisServer], prefix: str) -> None:
    """Move the keys of a store to the other server."""
    slot = int(clients[0].cluster("KEYSLOT", f"{{{prefix}}}"))
    ids = [client.cluster("MYID").decode() for client in clients]
    here = 0 if clients[0].cluster("COUNTKEYSINSLOT", slot) else 1
    there = 1 - here
    clients[there].cluster("SETSLOT", slot, "IMPORTING", ids[here])
    clients[here].cluster("SETSLOT", slot, "MIGRATING", ids[there])
    keys = clients[here].cluster("GETKEYSINSLOT", slot, 1_000)
    clients[here].migrate("127.0.0.1", servers[there].port, keys, 0, 5_000)
    for place in (there, here):
        clients[place].cluster("SETSLOT", slot, "NODE", ids[there])


def _wait_for_cluster(clients: list[Redis]) -> None:
    def formed() -> bool:
        said = [client.cluster("INFO") for client in clients]
        return {(own["cluster_state"], own["cluster_known_nodes"]) for own in said} == {("ok", "2")}

    in_time(formed)
