"""Where a store is: read from a URL, and never shown with its password."""

from pathlib import Path

import pytest

from clickthrough.errors import StoreError
from clickthrough.store import open_store
from clickthrough.store.redis.address import Address


def test_a_url_says_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").touch()
    own = Address.read(
        "rediss://ann:p%40ss@cache.example:7000/3?prefix=ads&deadline_ms=8&ca=ca.pem"
    )
    assert (own.host, own.port, own.database, own.user, own.password) == (
        "cache.example", 7000, 3, "ann", "p@ss",
    )  # fmt: skip
    assert (own.tls, own.ca, own.prefix, own.deadline) == (True, "ca.pem", "ads", 0.008)


def test_the_rest_has_defaults_and_the_password_is_of_the_environment() -> None:
    own = Address.read("redis://cache", {"CTR_STORE_PASSWORD": "secret"})
    assert (own.host, own.port, own.database, own.user) == ("cache", 6379, 0, None)
    assert (own.tls, own.prefix, own.deadline) == (False, "ctr", 0.005)
    assert own.password == "secret"  # noqa: S105
    assert "secret" not in repr(own) + own.shown
    given = Address.read("redis://:mine1@cache", {"CTR_STORE_PASSWORD": "secret"})
    assert given.password == "mine1"  # noqa: S105
    assert "mine1" not in repr(given) + given.shown


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://", "expected redis://HOST:PORT"),
        ("redis://:secret@" + "a" * 70, "expected redis://HOST:PORT"),
        ("redis://:secret@a..b", "expected redis://HOST:PORT"),
        ("redis://:secret@cache:0", "expected a port from 1 to 65535"),
        ("redis://:secret/2@cache/0", "percent-encode the password, or give it as CTR_STORE"),
        ("redis://:secret#2@cache/0", "percent-encode the password"),
        ("redis://:a?secret@cache/0", "percent-encode the password"),
        ("redis://:secret@ca\u2100che:1", "percent-encode the password"),
        ("redis://:sec[ret@cache", "percent-encode the password"),
        ("redis://:secret@cache/" + "1" * 5_000, "expected the number of a database"),
        ("redis://:secret@cache?ca=ca.pem", "ca: certificates are for rediss:// alone"),
        ("rediss://:secret@cache?ca=none.pem", "ca: none.pem: no such file"),
        ("redis://:secret@cache:99999", "expected a port from 1 to 65535"),
        ("redis://:secret@cache:port", "expected a port from 1 to 65535"),
        ("redis://:secret@cache/ads", "expected the number of a database, found 'ads'"),
        ("redis://:secret@cache?prefx=ads", "did you mean 'prefix'"),
        ("redis://:secret@cache?prefix=", "prefix: expected up to 64 letters"),
        ("redis://:secret@cache?prefix=a*", "prefix: expected up to 64 letters"),
        ("redis://:secret@cache?prefix=a}b", "prefix: expected up to 64 letters"),
        ("redis://:secret@cache?deadline_ms=0", "deadline_ms: expected more than 0, at most 1000"),
        ("redis://:secret@cache?deadline_ms=nan", "deadline_ms: expected more than 0"),
        ("redis://:secret@cache?deadline_ms=soon", "deadline_ms: expected more than 0"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(url: str, said: str) -> None:
    with pytest.raises(StoreError) as refused:
        Address.read(url, {})
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["rediss+sentinel://:secret@cache", "http://:secret@cache"])
def test_another_scheme_is_no_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        StoreError, match=r"expected redis://, rediss://, 'memory' or a file"
    ) as said:
        open_store(url)
    assert "secret" not in str(said.value)
    assert not list(tmp_path.iterdir())


def test_a_scheme_may_be_written_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=r"redis://127\.0\.0\.1:1/0: cannot be reached"):
        open_store(" REDIS://127.0.0.1:1")
    assert not list(tmp_path.iterdir())
