"""Groups divide a model's inputs, and say of whom they are as the log and its owner do."""

from typing import get_args

import numpy as np
import pytest

from clickthrough.config.explain import About, Explain, FieldSource
from clickthrough.config.features import Categorical, Feature
from clickthrough.config.load import load_config, preset_names
from clickthrough.config.origins import origins_of
from clickthrough.errors import ConfigError
from clickthrough.explain import families
from clickthrough.explain.explainer import Explainer
from clickthrough.explain.families import Family, family_of
from clickthrough.explain.groups import Group, check_fields, groups_of
from clickthrough.explain.words import words_of
from clickthrough.features.slots import Slot
from clickthrough.schema import Schema
from tests.serving.rich import Trained

FAMILIES = {one for one in vars(families).values() if isinstance(one, Family)}


def grouped(trained: Trained, explain: Explain, merged: bool | None = False) -> dict[str, Group]:
    bundle = trained.bundle
    made = groups_of(bundle.encoder.slots, bundle.config.declared, bundle.schema, explain, merged)
    return {group.name: group for group in made.every}


def test_there_are_no_more_families_than_a_dozen() -> None:
    assert len(FAMILIES) <= 12
    assert len({one.name for one in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize("name", preset_names())
def test_each_feature_of_the_presets_has_words_and_a_family(name: str) -> None:
    config = load_config(name)
    for feature in config.declared:
        words = words_of(feature, lambda field: f"<{field}>")
        assert len(words) == len(origins_of(feature))
        assert all(text == text.strip() and "  " not in text for text in words)
        fields = getattr(feature, "fields", None) or ["a field"]
        for source in get_args(FieldSource):
            assert family_of(feature, fields[:1], {fields[0]: source}) in FAMILIES


def test_every_kind_of_feature_has_words(trained: Trained) -> None:
    kinds = {
        get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(Feature)[0])
    }
    named = {group.name.partition("(")[0] for group in grouped(trained, Explain()).values()}
    assert kinds - named == {
        "elapsed",
        "cosine",
        "position",
        "kinship",
    }  # these the presets declare


@pytest.mark.parametrize("merged", [False, True])
def test_each_column_is_in_the_group_of_its_feature(trained: Trained, merged: bool) -> None:
    made = Explainer.of(trained.bundle, merged).groups
    encoder = trained.bundle.encoder
    kinds = (["id"], made.ids), (["number"], made.numeric), (["bag", "sequence"], made.bags)
    for kind, places in kinds:
        origins = [s.origin for s in encoder.slots for _ in range(s.length) if s.kind in kind]
        assert len(origins) == len(places)
        for origin, place in zip(origins, places, strict=True):
            assert origin in made.every[place].features
    told = [feature for group in made.every for feature in group.features]
    assert sorted(told) == sorted({slot.origin for slot in encoder.slots})


def test_more_than_a_dozen_features_are_told_by_family(trained: Trained) -> None:
    few, many = grouped(trained, Explain(), None), grouped(trained, Explain(most_groups=100), None)
    assert len(many) > 12
    assert set(many) == {slot.origin for slot in trained.bundle.encoder.slots}
    assert set(few) <= {family.name for family in FAMILIES}


def test_features_stay_apart_where_all_are_of_one_family() -> None:
    names = [f"f{place}" for place in range(20)]
    declared = [Categorical(kind="categorical", fields=names)]
    slots = [Slot(name, "id", f"categorical({name})", name, 9) for name in names]
    schema = Schema(roles={}, fields=dict.fromkeys(names, "int"))
    made = groups_of(slots, declared, schema, Explain())
    assert [group.name for group in made.every] == [slot.origin for slot in slots]


def test_the_log_says_of_whom_a_feature_is(trained: Trained) -> None:
    found = {name: (g.source, g.changeable) for name, g in grouped(trained, Explain()).items()}
    assert found["categorical(item)"] == ("candidate", False)
    assert found["numeric(price)"] == ("candidate", False)
    assert found["categorical(platform)"] == ("context", False)
    assert found["hashed(user)"] == ("profile", True)
    assert found["counter(item)"] == ("past", False)
    assert found["counter(user+advertiser)"] == ("past", True)
    assert found["match(user:item)"] == ("past", True)
    assert found["time(hour)"] == ("context", False)
    assert found["request_size"] == ("context", False)


def test_its_owner_may_say_otherwise(trained: Trained) -> None:
    said = Explain(
        fields={
            "platform": About(source="profile", words="device"),
            "price": About(changeable=True),
            "item": About(words="advertisement"),
        }
    )
    found = grouped(trained, said)
    platform = found["categorical(platform)"]
    assert (platform.source, platform.changeable) == ("profile", True)
    assert platform.words == "the device"
    assert found["numeric(price)"].changeable
    assert found["counter(item)"].words == (
        "how often the advertisement was shown and clicked before"
    )


def test_a_field_that_the_log_does_not_have_is_refused(trained: Trained) -> None:
    with pytest.raises(ConfigError, match=r"explain\.fields: unknown field 'pric'; did you mean"):
        check_fields(Explain(fields={"pric": About()}), trained.bundle.schema)


def test_what_is_typical_is_known_to_be_nothing_in_particular(trained: Trained) -> None:
    typical = Explainer.of(trained.bundle).typical
    encoder = trained.bundle.encoder
    assert (typical.ids == 1).all()
    assert not typical.bag_ids.any()
    assert not typical.bag_weights.any()
    names = encoder.numeric_names
    assert not typical.numeric[0, [name.endswith("_missing") for name in names]].any()
    assert np.isfinite(typical.numeric).all()
    price = encoder.scalers["price"]
    assert typical.numeric[0, names.index("price")] == pytest.approx(
        (price.fill - price.mean) / price.scale, abs=1e-6
    )
