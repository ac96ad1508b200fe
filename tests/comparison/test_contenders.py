"""Who is compared, as it is written on the command line."""

import pytest

from clickthrough.comparison.contenders import contenders
from clickthrough.config.model import Blend, LightGbm, Lr, Mlp, WideDeep
from clickthrough.errors import ConfigError


def test_families_and_settings_of_one() -> None:
    found = contenders("mlp, mlp[members=4, distill=1.0], wide_deep", Mlp())
    assert [one.name for one in found] == ["mlp", "mlp[members=4, distill=1.0]", "wide_deep"]
    assert found[1].model == Mlp(members=4, distill=1.0)


def test_what_the_configuration_says_holds_for_whoever_knows_it() -> None:
    given = Mlp(hidden=[8], embedding_dim=4)
    mlp, wide, lr = (one.model for one in contenders("mlp, wide_deep, lr", given))
    assert mlp == given
    assert wide == WideDeep(hidden=[8], embedding_dim=4)
    assert isinstance(lr, Lr)
    assert lr.embedding_dim == 1


def test_families_joined_by_plus_are_a_blend() -> None:
    one, blend = contenders("lr, mlp[hidden=[8, 4], members=2] + lightgbm[rounds=9]", Mlp())
    assert isinstance(one.model, Lr)
    assert blend.name == "mlp[hidden=[8, 4], members=2]+lightgbm[rounds=9]"
    assert blend.model == Blend(members=[Mlp(hidden=[8, 4], members=2), LightGbm(rounds=9)])


def test_what_the_configuration_says_holds_in_a_blend() -> None:
    (blend,) = contenders("mlp+lr", Mlp(hidden=[8]))
    assert blend.model == Blend(members=[Mlp(hidden=[8]), Lr()])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mpl", "unknown family 'mpl'; did you mean 'mlp'"),
        ("mlp[memers=2]", "unknown key 'memers'; did you mean 'members'"),
        ("mlp[members]", "expected key=value, found 'members'"),
        ("mlp[members={]", "members={: not readable as YAML"),
        ("mlp[members=0]", "greater than or equal to 1"),
        ("mlp, mlp", "named twice: mlp"),
        ("mlp[name=lr]", "name is given already"),
        ("mlp[members=2, members=3]", "members is given already"),
        ("mlp[members=9999-99-99]", "not readable as YAML"),
        ("mlp+", "expected family"),
        ("mlp,,lr", "expected family"),
        ("mlp+mpl", "unknown family 'mpl'"),
        ("blend[members=[lr, blend]]", "unknown family 'blend'"),
        ("mlp[hiden=3]", "^--models: mlp: unknown key 'hiden'"),
        ("mlp]", "expected family"),
        ("mlp[members=2]x", "expected family"),
        ("", "names nobody"),
        ("mlp[members=2", r"expected family\[key=value"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        contenders(text, Mlp())
