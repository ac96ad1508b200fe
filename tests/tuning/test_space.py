"""What is searched: the default of each family, what the section says, and what is refused."""

from typing import Any

import optuna
import pytest
from optuna.trial import Trial

from clickthrough.config.load import parse_config
from clickthrough.config.model import DcnV2, LightGbm, Mlp, family_names
from clickthrough.config.root import Config
from clickthrough.errors import ConfigError
from clickthrough.tuning.space import Space
from clickthrough.tuning.spaces import space_of

optuna.logging.set_verbosity(optuna.logging.WARNING)


def made(config: Config, tune: dict[str, Any] | None = None, **model: object) -> Config:
    values = config.model_dump(mode="json", exclude_unset=True) | {"tune": tune or {}}
    return parse_config(values | ({"model": model} if model else {}), "test")


def drawn(space: Space, given: dict[str, Any] | None = None, seed: int = 1) -> Trial:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    study.enqueue_trial(given or {})
    trial = study.ask()
    space.suggest(trial)
    return trial


@pytest.mark.parametrize("family", family_names())
def test_every_family_has_a_default_space_whose_trials_are_configurations(
    config: Config, family: str
) -> None:
    space = space_of(made(config, name=family))
    assert space.families[family]
    for seed in range(20):
        trial = drawn(space, seed=seed)
        own = space.config_of(trial.params, 3)
        assert own.model.name == family
        assert own.training.seed == config.training.seed + 3
        assert own.training.threads == 1


def test_the_first_trial_is_the_configuration_itself(config: Config) -> None:
    own = made(config, name="mlp", hidden=[64], embedding_dim=8, dropout=0.25)
    space = space_of(own)
    made_of = space.config_of(drawn(space, space.given()).params, 0)
    assert made_of.model == own.model
    assert made_of.training.learning_rate == own.training.learning_rate


def test_settings_are_in_force_where_their_family_is_drawn(config: Config) -> None:
    tune: dict[str, Any] = {
        "space": {
            "model.name": {"choices": ["mlp", "dcn_v2", "lightgbm"]},
            "model.dcn_v2.cross": {"low": 2, "high": 3},
            "model.hidden": {"choices": [[8], [8, 4]]},
            "model.mlp.hidden": {"choices": [[16]]},
            "model.lightgbm.rounds": {"choices": [7]},
            "training.averaging": None,
            "training.epochs": {"low": 2, "high": 10, "step": 4},
        },
        "drop": ["counter(user)"],
    }
    space = space_of(made(config, tune))
    for seed in range(30):
        trial = drawn(space, seed=seed)
        own = space.config_of(trial.params, 0)
        families = {name.split(".")[1] for name in trial.params if name.startswith("model.")}
        assert families == {"name", own.model.name}
        assert "training.averaging" not in trial.params
        assert own.drop == ([] if trial.params["counter(user)"] == "on" else ["counter(user)"])
        match own.model:
            case LightGbm():
                assert own.model.rounds == 7
                assert not any(name.startswith("training.") for name in trial.params)
            case DcnV2():
                assert own.model.cross in {2, 3}
                assert own.model.hidden in ([8], [8, 4])
                assert own.training.epochs in {2, 6, 10}
            case Mlp():
                assert own.model.hidden == [16]


@pytest.mark.parametrize(
    ("tune", "said"),
    [
        ({"default": False}, "tune.space: nothing is left to search"),
        ({"space": {"training.lerning_rate": {"low": 1, "high": 2}}}, "did you mean 'learning_rat"),
        ({"space": {"model.dropot": {"low": 0, "high": 0.5}}}, "did you mean 'dropout'"),
        ({"space": {"model.dcn_v3.cross": {"low": 1, "high": 2}}}, "did you mean 'dcn_v2'"),
        ({"space": {"model.dcn_v2.cros": {"low": 1, "high": 2}}}, "did you mean 'cross'"),
        ({"space": {"model.dcn_v2.cross": {"low": 1, "high": 2}}}, "is never in force"),
        ({"space": {"trainin.epochs": {"low": 1, "high": 2}}}, "did you mean 'training'"),
        ({"space": {"counters.smoothing": {"low": 1, "high": 2}}}, "data are prepared once"),
        ({"space": {"training.seed": {"low": 1, "high": 2}}}, "is not searched"),
        ({"space": {"model.dropout": {"low": 0, "high": 1.5}}}, r"less than 1 \(found 1.5\)"),
        ({"space": {"model.hidden": {"choices": [[8], 8]}}}, r"valid list \(found 8\)"),
        ({"space": {"model.name": {"choices": ["mlp", "dcn_v3"]}}}, "did you mean 'dcn_v2'"),
        ({"space": {"model.name": {"low": 1, "high": 2}}}, "expected 'choices'"),
        ({"space": {"training.epochs": {"low": 1, "high": 3, "step": 0.5}}}, "whole numbers"),
        ({"space": {"training.epochs": {"low": 3, "high": 1}}}, "expected low < high"),
        ({"space": {"training.epochs": {"low": 3}}}, "expected 'low' and 'high', or 'choices'"),
        ({"space": {"training.epochs": {"low": 1, "choices": [2]}}}, "expected either"),
        ({"space": {"training.epochs": {"choices": []}}}, "at least 1 item"),
        ({"space": {"training.epochs": {"choices": [2, 2]}}}, "2 is named twice"),
        ({"space": {"training.weight_decay": {"low": 0, "high": 1, "log": True}}}, "low > 0"),
        ({"drop": ["counter(usr)"]}, "tune.drop: unknown feature.*did you mean 'counter"),
        ({"drop": ["time(hour)", "time(hour)"]}, "drop: named twice"),
        ({"metric": "acu"}, "tune: metric: unknown metric 'acu'; did you mean 'auc'"),
        ({"metric": ["ms_1", "auc"]}, "a metric of quality first"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(
    config: Config, tune: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        space_of(made(config, tune))
    assert "\n" not in str(error.value)
