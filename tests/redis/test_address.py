"""Where a store is: read from a URL, and never shown with its password."""

import pytest

from clickthrough.errors import StoreError
from clickthrough.store.redis.address import Address


def test_a_url_says_all() -> None:
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
