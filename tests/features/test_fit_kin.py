"""What makes users alike: what they clicked before the log."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from clickthrough.features.encoding.kin import STEP, Kin
from clickthrough.features.fit_kin import fit_kin
from clickthrough.schema import FieldType, Schema


def schema(kind: FieldType = "int") -> Schema:
    roles = {"time": "t", "user": "u", "item": "i", "label": "c", "request_id": "r"}
    return Schema(roles=roles, fields={"user": kind, "item": "int"})


def two_camps(users: int = 60, seed: int = 3) -> pl.DataFrame:
    """Even users click items below 40, odd ones the others; all click some of all."""
    rng = np.random.default_rng(seed)
    own = [40 * (user % 2) + rng.choice(40, 15, replace=False) for user in range(users)]
    any_ = [rng.choice(80, 3, replace=False) for _ in range(users)]
    rows = [(u, i) for u in range(users) for i in {*own[u].tolist(), *any_[u].tolist()}]
    return pl.DataFrame(rows, ["user", "item"], orient="row").with_columns(time=pl.lit(0))


def products(kin: Kin) -> NDArray[np.float32]:
    return kin.vectors @ kin.vectors.T


def test_users_of_a_camp_are_more_alike() -> None:
    found = products(fit_kin(two_camps().lazy(), schema()))
    same = np.equal.outer(np.arange(60) % 2, np.arange(60) % 2) & ~np.eye(60, dtype=bool)
    assert found[same].mean() > found[~same & ~np.eye(60, dtype=bool)].mean() + 0.1


def test_vectors_are_as_long_as_one_in_steps() -> None:
    made = fit_kin(two_camps().lazy(), schema()).vectors
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=0.01)
    assert np.array_equal(np.round(made / STEP), made / STEP)
    assert np.abs(made).max() <= 1


def test_order_and_repeats_say_nothing() -> None:
    rows = two_camps()
    twice = pl.concat([rows, rows.head(100)]).sample(fraction=1, shuffle=True, seed=1)
    one, other = fit_kin(rows.lazy(), schema()), fit_kin(twice.lazy(), schema())
    assert np.array_equal(one.users.values, other.users.values)
    assert np.array_equal(one.vectors, other.vectors)


def test_users_may_have_names() -> None:
    named = two_camps().with_columns(pl.format("u{}", "user").alias("user"))
    made = fit_kin(named.lazy(), schema("str"))
    assert made.users.encode(np.array([b"u0", b"nobody"])).tolist()[1] == 1
    assert made.users.values.dtype.kind == "S"


@pytest.mark.parametrize("users", [0, 3, 6])
def test_of_a_few_users_little_is_known(users: int) -> None:
    rows = pl.DataFrame({"user": range(users), "item": [1] * users, "time": [0] * users})
    rows = rows.cast(pl.Int64)
    made = fit_kin(rows.lazy(), schema())
    assert len(made.vectors) == len(made.users.values)
    assert not made.vectors.any()
