"""Columns that a configuration gives to two parts, or that are not the log's own."""

from pathlib import Path
from typing import Any

import pytest

from clickthrough.config.load import load_config, parse_config
from clickthrough.errors import ConfigError


def values(**roles: str) -> dict[str, Any]:
    """Return a configuration as YAML says it."""
    return {
        "data": {
            "reader": "tabular",
            "path": "log.csv",
            "roles": {"label": "click", **roles},
        },
        "features": [{"kind": "categorical", "fields": ["slot"]}],
    }


@pytest.mark.parametrize("role", ["user", "item", "request_id", "time"])
def test_a_column_of_two_roles_is_refused(role: str) -> None:
    with pytest.raises(ConfigError, match=rf"roles: 'label' and '{role}' both name column 'click'"):
        parse_config(values(**{role: "click"}), "c.yaml")


@pytest.mark.parametrize("name", ["row", "part"])
def test_a_role_on_a_column_of_ours_is_refused(name: str) -> None:
    says = rf"roles: 'item' names column '{name}', as clickthrough calls .* rename it"
    with pytest.raises(ConfigError, match=says) as refused:
        parse_config(values(item=name), "c.yaml")
    assert "\n" not in str(refused.value)


FEATURES = [
    {"kind": "categorical", "fields": ["slot", "row"]},
    {"kind": "hashed", "fields": "row", "buckets": 10},
    {"kind": "numeric", "fields": ["row"]},
    {"kind": "elapsed", "fields": ["row"]},
    {"kind": "bag", "field": "row"},
    {"kind": "bag", "field": "tags", "weights": "row"},
    {"kind": "cosine", "fields": ["tags", "row"]},
    {"kind": "counter", "key": ["user", "row"], "windows": ["1h"]},
    {"kind": "age", "key": "row"},
    {"kind": "sequence", "field": "row"},
    {"kind": "match", "fields": ["slot"], "against": ["row"]},
]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature["kind"])
def test_a_feature_of_a_column_of_ours_is_refused(feature: dict[str, Any]) -> None:
    held = values()
    held["features"].append(feature)
    says = rf"features\.1: '{feature['kind']}' names column 'row', as clickthrough calls"
    with pytest.raises(ConfigError, match=says) as refused:
        parse_config(held, "c.yaml")
    assert "\n" not in str(refused.value)


def test_the_shipped_presets_name_each_column_once() -> None:
    for name in ("avazu", "criteo", "movielens", "synthetic"):
        load_config(name, data=Path("log.csv"))
