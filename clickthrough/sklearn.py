"""The estimator of scikit-learn: a thin door to the one way that models are fitted.

What :func:`clickthrough.fit` does, without test part, baselines and files: nothing is exported
before :meth:`ClickClassifier.save` writes a bundle.
"""

import numbers
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d
from sklearn.utils.validation import validate_data as validated

from clickthrough.api.frames import AnyFrame, is_frame, read_frame
from clickthrough.api.guess import (
    ConfigSource,
    GuessWarning,
    Settings,
    setting_lines,
    source_of,
    tell_guesses,
)
from clickthrough.cleanup import scratch_directory
from clickthrough.config.training import LARGEST_SEED
from clickthrough.data.labels import click_text
from clickthrough.errors import ClickthroughError
from clickthrough.init.roles import Named

if TYPE_CHECKING:
    from clickthrough.api.model import ClickModel
    from clickthrough.scoring import ScoredFrame
    from clickthrough.serving.predictor import Predictor

__all__ = ["ClickClassifier", "GuessWarning"]

Floats = NDArray[np.float64]
_LABEL, _GROUPS = "clicked", "request"
"""Columns that stand beside those of X, unless X has them: then with a number."""


class ClickClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """A calibrated click model as an estimator of two classes.

    >>> model = ClickClassifier("final_net", time="time", user="uuid", item="ad_id")
    >>> model.fit(frame, clicks).predict_proba(others)  # doctest: +SKIP

    X is a frame, whose columns keep their names and types, or an array of numbers. Rows are in
    the order of their time: the last ``validation`` of them choose the epoch and calibrate; where
    no column is the time, the order of the rows stands for it. Features that hang on the past count
    the rows of ``fit``.

    Args:
        model: a family, or its settings by name: ``{"name": "mlp", "hidden": [64]}``.
        request_id: the column of X that names requests; ``groups`` of :meth:`fit` says the same.
        time: that of moments.
        user: that of users.
        item: that of items.
        config: a YAML file, the name of a preset, or sections by their names; by default features
            are guessed as ``clickthrough init`` does, and so are roles that are not named: a
            :class:`GuessWarning` tells which.
        set: settings that replace parts of it: ``{"training.epochs": 3}``.
        validation: the share of the rows.
        random_state: the seed of all that is drawn at random; by default that of the configuration.

    Attributes:
        classes_: the two labels, shape (2,); the second is the click, unless it is well known that
            the first is: ``clicked`` of ``clicked`` and ``not clicked``.
        n_features_in_: the columns of X.
        feature_names_in_: their names, where X was a frame.
        roles_: which column plays which part.
        looked_: what was guessed, a line a column; None with ``config``.
        learned_: the model with all that scores by it.
    """

    def __init__(  # noqa: PLR0913 - a keyword each
        self,
        model: str | Mapping[str, Any] = "mlp",
        *,
        request_id: str | None = None,
        time: str | None = None,
        user: str | None = None,
        item: str | None = None,
        config: ConfigSource | None = None,
        set: Settings | None = None,  # noqa: A002 - as on the command line
        validation: float = 0.1,
        random_state: "int | np.random.RandomState | None" = None,
    ) -> None:
        self.model = model
        self.request_id = request_id
        self.time = time
        self.user = user
        self.item = item
        self.config = config
        self.set = set
        self.validation = validation
        self.random_state = random_state

    def fit(self, X: AnyFrame, y: Any, groups: Any = None) -> Self:  # noqa: ANN401, N803
        """Fit and calibrate.

        Args:
            X: impressions, those that were not clicked too, shape (n, columns).
            y: their labels, two values, shape (n,).
            groups: which of them were shown together, in place of ``request_id``, shape (n,).

        Raises:
            ValueError: nothing can be learned of them: names the column or the row.
        """
        from clickthrough.training.examining.origin import log_record
        from clickthrough.training.learned import learn

        # a fit that fails leaves no model of an earlier one
        self.__dict__.pop("learned_", None)
        rows = self._rows(X, reset=True)
        clicks = self._clicks(y)
        check_consistent_length(rows, clicks)
        self._columns = rows.columns
        label = _free(_LABEL, rows)
        self._groups = None if groups is None else _free(_GROUPS, rows)
        named = self._named(label)
        rows = self._with_groups(rows, groups).with_columns(pl.Series(label, clicks))
        with _as_value_errors():
            source = source_of(rows, named, self.config, self._settings())
            with scratch_directory() as cache:
                from clickthrough.api.fit import cached_in
                from clickthrough.data.frame import dataset_of_frame

                dataset = dataset_of_frame(rows, cached_in(source.config, cache), "X")
                self.learned_, fitted = learn(dataset, source.config)
                self._log = log_record(dataset, source.config)
        self.looked_ = source.looked
        self._epochs = [vars(epoch) for epoch in fitted.epochs]
        self._losses = fitted.losses
        self._predictor = self._made_predictor()
        roles = self.learned_.schema.roles.items()
        self.roles_ = {str(role): column for role, column in roles if role != "label"}
        if source.looked is not None:
            tell_guesses(self.roles_, named)
        return self

    def predict_proba(self, X: AnyFrame, groups: Any = None) -> Floats:  # noqa: ANN401, N803
        """Return the probability of each class, shape (n, 2).

        Args:
            X: impressions, with the columns of :meth:`fit`.
            groups: which of them are shown together, where :meth:`fit` was told so.
        """
        clicked = self._scored(X, groups).probability
        both = [1 - clicked, clicked] if self._click == 1 else [clicked, 1 - clicked]
        return np.stack(both, axis=1)

    def decision_function(self, X: AnyFrame, groups: Any = None) -> Floats:  # noqa: ANN401, N803
        """Return the logit of the second class, shape (n,); see :meth:`predict_proba`."""
        logit = self._scored(X, groups).logit
        return logit if self._click == 1 else -logit

    def predict(self, X: AnyFrame, groups: Any = None) -> NDArray[Any]:  # noqa: ANN401, N803
        """Return the likelier class, shape (n,): where clicks are rare, that is hardly ever one."""
        second = self.decision_function(X, groups) > 0
        found: NDArray[Any] = self.classes_[second.astype(np.intp)]
        return found

    def save(self, path: str | Path) -> Path:
        """Write a bundle, which ``clickthrough serve`` takes; one that stands there is replaced.

        Raises:
            BundleError: the place holds something else, or cannot be written.
        """
        from clickthrough.bundle.save import save_bundle

        check_is_fitted(self, "learned_")
        losses = {"log_loss": self._losses}
        metrics = {"epochs": self._epochs, "calibration": losses, "log": self._log}
        with scratch_directory() as folder:
            save_bundle(Path(path), self.learned_.parts(folder, metrics))
        return Path(path)

    def to_model(self, path: str | Path) -> "ClickModel":
        """Write a bundle and open it: evaluation, report and service are its methods."""
        from clickthrough.api.model import load

        return load(self.save(path))

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - scikit-learn's
        """Say what it takes: two classes, missing values, texts in frames."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what scores: it is made anew."""
        state = dict(super().__getstate__())
        state.pop("_predictor", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make what scores, where there is a model."""
        super().__setstate__(state)
        if hasattr(self, "learned_"):
            self._predictor = self._made_predictor()

    def _made_predictor(self) -> "Predictor":
        from clickthrough.serving.predictor import Predictor
        from clickthrough.store import open_store

        made = self.learned_.bundle()
        # rows of any time are scored, those of a fold before the first row too
        schema = made.schema.model_copy(update={"first": None, "last": None})
        return Predictor(replace(made, schema=schema), open_store("memory"))

    def _scored(self, X: AnyFrame, groups: Any) -> "ScoredFrame":  # noqa: ANN401, N803
        from clickthrough.scoring import score_frame

        check_is_fitted(self, "learned_")
        rows = self._with_groups(self._rows(X, reset=False), groups)
        with _as_value_errors():
            return score_frame(self._predictor, rows, "X")

    def _rows(self, X: AnyFrame, reset: bool) -> pl.DataFrame:  # noqa: N803
        """Return X as Polars holds it, checked as scikit-learn asks."""
        if is_frame(X):
            validated(self, X, reset=reset, skip_check_array=True)
            with _as_value_errors():
                rows = read_frame(X, "X").rows
            # without names at either end, columns are told by their places, as n_features_in_ says
            by_place = not reset and not hasattr(self, "feature_names_in_")
            names = self._columns if by_place else rows.columns
            return rows.rename(dict(zip(rows.columns, names, strict=True)))
        least = 2 if reset else 1
        array = validated(
            self, X, reset=reset, ensure_all_finite="allow-nan", ensure_min_samples=least
        )
        names = [f"x{n}" for n in range(array.shape[1])] if reset else self._columns
        columns = [pl.Series(name, array[:, n]) for n, name in enumerate(names)]
        return pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None))

    def _clicks(self, y: Any) -> NDArray[np.int8]:  # noqa: ANN401
        """Return labels as 0 and 1, and keep what they were."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        kind = type_of_target(labels, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        self.classes_, places = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class, {self.classes_[0]!r}; a model needs two classes")
        texts = [str(label).strip().lower() for label in self.classes_]
        known = click_text(texts)
        self._click = 1 if known is None else texts.index(known)
        clicks: NDArray[np.int8] = (places == self._click).astype(np.int8)
        return clicks

    def _with_groups(self, rows: pl.DataFrame, groups: Any) -> pl.DataFrame:  # noqa: ANN401
        if groups is None:
            return rows
        if self._groups is None:
            raise ValueError("groups: fit was not told of any")
        values = list(groups)
        if len(values) != len(rows):
            found = f"found {len(values):,}"
            raise ValueError(f"groups: expected one for each of {len(rows):,} rows, {found}")
        if any(value is None or value != value for value in values):  # noqa: PLR0124 - NaN
            raise ValueError("groups: a row has none")
        # which of them a row is of is all that they say
        place = {value: place for place, value in enumerate(dict.fromkeys(values))}
        return rows.with_columns(pl.Series(self._groups, [place[value] for value in values]))

    def _named(self, label: str) -> Named:
        if self._groups is not None and self.request_id is not None:
            raise ValueError(f"groups: request_id='{self.request_id}' says the same; expected one")
        request = self._groups or self.request_id
        return Named(label, self.time, request, self.user, self.item)

    def _settings(self) -> list[str]:
        """Return what replaces parts of the configuration."""
        own: dict[str, Any] = {"data.split.validation": self.validation, "data.split.test": None}
        if self.config is not None:  # what a click is says y
            own |= {"data.label_at_least": None, "data.label_is": None}
        own |= {"model.name": self.model} if isinstance(self.model, str) else {"model": self.model}
        if self.random_state is not None:
            seed = self.random_state
            if not isinstance(seed, numbers.Integral):
                seed = check_random_state(seed).randint(LARGEST_SEED)
            own["training.seed"] = int(seed)
        return [*setting_lines(own), *setting_lines(self.set or ())]


def _free(name: str, rows: pl.DataFrame) -> str:
    """Return a name that no column has."""
    taken, number = {*rows.columns}, 1
    while (made := name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return made


@contextmanager
def _as_value_errors() -> Iterator[None]:
    """Let errors of a log be those that scikit-learn expects of its arguments."""
    try:
        yield
    except ClickthroughError as error:
        raise ValueError(str(error)) from error
