"""The estimator keeps scikit-learn's contract, and is the model that the other doors make."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from clickthrough import ClickClassifier, fit, load
from clickthrough.sklearn import GuessWarning
from tests.api.test_fit import files
from tests.logs import make_values

QUICK = {"training.threads": 1, "training.epochs": 1}
NAMES: dict[str, Any] = {"request_id": "display_id", "time": "ts", "user": "uuid", "item": "ad"}
EXPECTED_TO_FAIL: dict[str, str] = {}
"""Check -> why the estimator cannot keep it, in a line. There is none."""


@parametrize_with_checks(  # type: ignore[untyped-decorator]  # it has no types
    [ClickClassifier(set={"training.threads": 1})],
    expected_failed_checks=lambda _: EXPECTED_TO_FAIL,
)
def test_the_contract_of_scikit_learn(
    estimator: ClickClassifier, check: Callable[[ClickClassifier], None]
) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def frame(log: pl.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Impressions and their clicks."""
    return log.drop("clicked").to_pandas(), log["clicked"].to_numpy()


@pytest.fixture(scope="module")
def fitted(frame: tuple[pd.DataFrame, NDArray[np.int64]]) -> ClickClassifier:
    """An estimator; no test may change it."""
    return ClickClassifier("lightgbm", set=QUICK, **NAMES).fit(*frame)


def named_roles(estimator: ClickClassifier) -> dict[str, Any]:
    return dict(estimator.roles_)


def test_columns_that_nobody_named_are_guessed_and_told(
    frame: tuple[pd.DataFrame, NDArray[np.int64]], recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.warns(GuessWarning, match="request_id='display_id'"):
        guessed = ClickClassifier("lr", set=QUICK).fit(*frame)
    named = ClickClassifier("lr", set=QUICK, **named_roles(guessed)).fit(*frame)
    assert not [one for one in recwarn if issubclass(one.category, GuessWarning)]
    assert np.array_equal(guessed.predict_proba(frame[0]), named.predict_proba(frame[0]))
    assert guessed.looked_ is not None
    assert {line.column for line in guessed.looked_.lines} > set(frame[0].columns)


def test_probabilities_order_and_classes_are_of_one_model(
    fitted: ClickClassifier, frame: tuple[pd.DataFrame, NDArray[np.int64]]
) -> None:
    rows = frame[0].tail(50)
    proba, logit = fitted.predict_proba(rows), fitted.decision_function(rows)
    assert proba.sum(axis=1) == pytest.approx(1)
    assert proba[:, 1] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)
    assert np.array_equal(fitted.predict(rows), (logit > 0).astype(int))
    assert fitted.feature_names_in_.tolist() == frame[0].columns.tolist()


@pytest.mark.parametrize("model", ["mlp", "lightgbm", "din", {"name": "mlp", "hidden": [8]}])
def test_a_pickle_scores_the_same_and_so_does_the_bundle(
    model: str | dict[str, Any], frame: tuple[pd.DataFrame, NDArray[np.int64]], tmp_path: Path
) -> None:
    unfitted = pickle.loads(pickle.dumps(ClickClassifier(model, set=QUICK, **NAMES)))  # noqa: S301
    one = unfitted.fit(*frame)
    other = pickle.loads(pickle.dumps(one))  # noqa: S301
    rows = frame[0].tail(60)
    found = one.predict_proba(rows)
    assert np.array_equal(found, other.predict_proba(rows))
    served = load(other.save(tmp_path / "bundle"))
    assert served.predict(rows).to_numpy() == pytest.approx(found[:, 1], abs=1e-6)
    assert served.metrics["epochs"]


@pytest.mark.slow
def test_searches_and_pipelines_in_two_processes(
    frame: tuple[pd.DataFrame, NDArray[np.int64]],
) -> None:
    whole = make_pipeline(
        FunctionTransformer(lambda rows: rows.assign(dear=rows["price"] > 2)),
        ClickClassifier(set=QUICK, **NAMES),
    )
    search = GridSearchCV(
        clone(whole).set_params(functiontransformer__func=None),
        {"clickclassifier__model": ["lr", "lightgbm"]},
        cv=TimeSeriesSplit(2),
        scoring="neg_log_loss",
        n_jobs=2,
    ).fit(*frame)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict_proba(frame[0].tail(4)).shape == (4, 2)
    whole.fit(*frame)
    assert "dear" in whole[-1].feature_names_in_
    assert whole.predict(frame[0].tail(4)).shape == (4,)


def test_groups_are_requests(frame: tuple[pd.DataFrame, NDArray[np.int64]]) -> None:
    rows, clicks = frame
    rest = {name: column for name, column in NAMES.items() if name != "request_id"}
    named = ClickClassifier("lr", set=QUICK, **NAMES).fit(rows, clicks)
    apart = rows.drop(columns="display_id")
    grouped = ClickClassifier("lr", set=QUICK, **rest).fit(apart, clicks, groups=rows["display_id"])
    some, ids = apart.tail(40), rows["display_id"].tail(40)
    assert np.array_equal(
        grouped.predict_proba(some, groups=ids), named.predict_proba(rows.tail(40))
    )
    alone = grouped.predict_proba(some)
    assert not np.array_equal(alone, named.predict_proba(rows.tail(40)))
    with pytest.raises(ValueError, match="fit was not told of any"):
        named.predict_proba(rows, groups=rows["display_id"])
    with pytest.raises(ValueError, match="request_id='display_id' says the same"):
        ClickClassifier(request_id="display_id").fit(rows, clicks, groups=rows["display_id"])


def test_groups_are_routed_as_metadata(frame: tuple[pd.DataFrame, NDArray[np.int64]]) -> None:
    import sklearn

    rows, clicks = frame[0].drop(columns="display_id"), frame[1]
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = ClickClassifier("lr", set=QUICK, time="ts").set_fit_request(groups=True)
        found = cross_val_score(
            estimator.set_predict_proba_request(groups=True),
            rows,
            clicks,
            cv=TimeSeriesSplit(2),
            scoring="neg_log_loss",
            params={"groups": frame[0]["display_id"].to_numpy()},
        )
    assert np.isfinite(found).all()


def test_it_learns_what_the_other_doors_learn(
    log: pl.DataFrame, log_folder: Path, tmp_path: Path
) -> None:
    values = make_values(log_folder)
    values["data"]["split"] = {"validation": 0.2, "test": None}
    X, y = log.drop("clicked"), log["clicked"].to_numpy()  # noqa: N806
    made = ClickClassifier("mlp", config=values, set=QUICK, validation=0.2).fit(X, y)
    made.save(tmp_path / "estimator")
    fit(log, config=values, set=QUICK, out=tmp_path / "frame", baselines=False)
    assert files(tmp_path / "estimator") == files(tmp_path / "frame")


def test_labels_keep_their_names(frame: tuple[pd.DataFrame, NDArray[np.int64]]) -> None:
    rows, clicks = frame
    said = np.where(clicks == 1, "yes", "no")
    named = ClickClassifier("lr", set=QUICK, **NAMES).fit(rows, said)
    assert named.classes_.tolist() == ["no", "yes"]
    assert set(named.predict(rows)) <= {"no", "yes"}


@pytest.mark.parametrize("click", ["clicked", "CLICK"])
def test_a_text_that_says_clicked_is_the_click_wherever_it_stands_among_the_classes(
    click: str, frame: tuple[pd.DataFrame, NDArray[np.int64]], fitted: ClickClassifier
) -> None:
    rows, clicks = frame
    none = "not clicked" if click == "clicked" else "no click"
    texts = np.where(clicks == 1, click, none)
    other = ClickClassifier("lightgbm", set=QUICK, **NAMES).fit(rows, texts)
    assert other.classes_.tolist() == sorted([click, none])
    place = other.classes_.tolist().index(click)
    assert place == 0
    asked = rows.head(200)
    assert (other.predict_proba(asked)[:, place] == fitted.predict_proba(asked)[:, 1]).all()
    assert (other.decision_function(asked) == -fitted.decision_function(asked)).all()
    assert ((other.predict(asked) == click) == (fitted.predict(asked) == 1)).all()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"user": "nobody"}, "there is no column 'nobody'"),
        ({"model": "mpl"}, "'mpl'"),
        ({"set": {"training.epoch": 1}}, "did you mean 'epochs'"),
        ({"validation": 2}, "split.validation"),
    ],
)
def test_what_cannot_be_is_a_value_error(
    change: dict[str, Any], why: str, frame: tuple[pd.DataFrame, NDArray[np.int64]]
) -> None:
    with pytest.raises(ValueError, match=why):
        ClickClassifier(**({"set": QUICK} | change)).fit(*frame)


def test_folds_before_the_first_row_of_a_fit_are_scored(
    frame: tuple[pd.DataFrame, NDArray[np.int64]],
) -> None:
    estimator = ClickClassifier("lr", set=QUICK, **NAMES)
    found = cross_val_score(estimator, *frame, cv=KFold(2), scoring="neg_log_loss")
    assert np.isfinite(found).all()


def test_a_fit_that_fails_leaves_no_earlier_model(
    frame: tuple[pd.DataFrame, NDArray[np.int64]],
) -> None:
    rows, clicks = frame
    estimator = ClickClassifier("lr", set=QUICK, **NAMES).fit(rows, np.where(clicks, "y", "n"))
    with pytest.raises(ValueError, match="nobody"):
        estimator.set_params(user="nobody").fit(rows, clicks)
    with pytest.raises(NotFittedError):
        estimator.predict(rows)


def test_columns_without_names_are_told_by_their_places() -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(80, 3))
    clicks = (array[:, 1] > 0).astype(int)
    named, unnamed = pd.DataFrame(array, columns=["a", "b", "c"]), pd.DataFrame(array)
    of_array = ClickClassifier("lr", set=QUICK).fit(array, clicks)
    of_unnamed = ClickClassifier("lr", set=QUICK).fit(unnamed, clicks)
    wanted = of_array.predict_proba(array)
    for found in (
        of_array.predict_proba(unnamed),
        of_unnamed.predict_proba(array),
        of_unnamed.predict_proba(unnamed),
        ClickClassifier("lr", set=QUICK).fit(named, clicks).predict_proba(named),
    ):
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ([1, 2], "expected one for each of 6,000 rows, found 2"),
        ([None] * 6_000, "a row has none"),
        ([float("nan")] * 6_000, "a row has none"),
    ],
)
def test_groups_that_are_none_are_refused(
    groups: list[object], why: str, frame: tuple[pd.DataFrame, NDArray[np.int64]]
) -> None:
    with pytest.raises(ValueError, match=why):
        ClickClassifier("lr", set=QUICK).fit(*frame, groups=groups)


def test_groups_may_be_anything_that_is_equal_or_not(
    frame: tuple[pd.DataFrame, NDArray[np.int64]],
) -> None:
    rows, clicks = frame[0].drop(columns="display_id"), frame[1]
    ids = frame[0]["display_id"]
    forms: list[Any] = [ids, ids.astype(str), [(value, "x") for value in ids], pd.Categorical(ids)]
    rest = {name: column for name, column in NAMES.items() if name != "request_id"}
    found = [
        ClickClassifier("lr", set=QUICK, **rest)
        .fit(rows, clicks, groups=form)
        .predict_proba(rows.tail(9))
        for form in forms
    ]
    assert all(np.array_equal(one, found[0]) for one in found)


def test_the_callers_chance_goes_on_as_it_would(
    frame: tuple[pd.DataFrame, NDArray[np.int64]],
) -> None:
    import torch

    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    ClickClassifier("mlp", set=QUICK, random_state=np.random.RandomState(0), **NAMES).fit(*frame)
    assert torch.equal(torch.rand(2), wanted)
