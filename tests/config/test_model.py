"""The settings of families: a union by name, mlp where none is said."""

from typing import Any, get_args

import pytest

from clickthrough.config.load import parse_config
from clickthrough.config.model import (
    DcnV2,
    FinalMlp,
    Fm,
    Lr,
    Mlp,
    Model,
    TorchModel,
    family_names,
    settings_of,
)
from clickthrough.config.root import Config
from clickthrough.errors import ConfigError
from clickthrough.models.registry import NETS


def model(**values: Any) -> Model:  # noqa: ANN401
    data = {"reader": "tabular", "path": "log.csv", "roles": {"label": "click"}}
    given = {"data": data, "features": [{"kind": "request_size"}], "model": values}
    return parse_config(given, "test").model


def test_every_family_has_settings_and_a_network() -> None:
    of_torch = [family.model_fields["name"].default for family in get_args(TorchModel)]
    assert set(of_torch) == set(NETS)
    assert family_names() == [*of_torch, "lightgbm"]


@pytest.mark.parametrize("name", family_names())
def test_a_name_chooses_the_family_and_its_defaults_hold(name: str) -> None:
    chosen = model(name=name)
    assert chosen.name == name
    assert chosen == settings_of(name)


@pytest.mark.parametrize("name", family_names())
def test_settings_written_as_json_read_as_themselves(name: str) -> None:
    data = {"reader": "tabular", "path": "log.csv", "roles": {"label": "click"}}
    features = [{"kind": "request_size"}]
    config = Config.model_validate({"data": data, "features": features, "model": {"name": name}})
    assert Config.model_validate_json(config.model_dump_json()).model == config.model


def test_without_a_name_it_is_a_perceptron() -> None:
    assert model(hidden=[8]) == Mlp(hidden=[8])
    assert model() == Mlp()


def test_an_unknown_family_is_refused_and_the_nearest_named() -> None:
    with pytest.raises(ConfigError, match=r"unknown family 'depfm'; did you mean 'deepfm'\? Known"):
        model(name="depfm")
    with pytest.raises(ConfigError, match="unknown family '3'"):
        model(name=3)


def test_an_unknown_setting_is_refused_and_the_familys_own_named() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'gates'; did you mean 'gate'\?"):
        model(name="dcn_v2", gates=True)
    with pytest.raises(ConfigError) as told:
        model(name="fm", hidden=[8])
    assert "unknown key 'hidden'" in str(told.value)
    assert "fwfm" in str(told.value) and "cross" not in str(told.value)


def test_a_setting_that_became_a_family_says_so() -> None:
    with pytest.raises(ConfigError, match="write 'name: wide_deep' instead"):
        model(name="mlp", wide=True)
    with pytest.raises(ConfigError, match="write 'name: wide_deep' instead"):
        model(wide=True)


def test_one_member_has_nobody_to_learn_from() -> None:
    with pytest.raises(ConfigError, match="distill: members learn from each other"):
        model(distill=0.5)
    assert model(distill=0.5, members=2) == Mlp(distill=0.5, members=2)


def test_heads_that_do_not_divide_a_last_layer_are_refused() -> None:
    with pytest.raises(ConfigError, match="other: the last layer, 10, has no 4 equal heads"):
        model(name="final_mlp", other=[16, 10])
    assert model(name="final_mlp", other=[16, 10], heads=2) == FinalMlp(other=[16, 10], heads=2)


@pytest.mark.parametrize(
    "values",
    [
        {"name": "fm", "embedding_dim": {"user": 4}},
        {"name": "deepfm", "embedding_dim": "auto"},
        {"name": "lr", "embedding_dim": 2},
        {"name": "dcn_v2", "rank": 0},
        {"name": "final_net", "branches": 3},
        {"name": "qnn", "share": "nothing"},
    ],
    ids=str,
)
def test_what_a_family_cannot_be_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        model(**values)


def test_rows_are_as_wide_as_the_family_needs() -> None:
    columns = ["user", "item"]
    assert Lr().dims(columns) == (1, 1)
    assert Fm(embedding_dim=8).dims(columns) == (9, 9)
    assert DcnV2(embedding_dim={"item": 4}).dims(columns) == (16, 4)
    with pytest.raises(ValueError, match="auto is settled"):
        Mlp(embedding_dim="auto").dims(columns)
