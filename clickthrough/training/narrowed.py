"""Prepared data less some features: the columns that preparing anew without them would make."""

from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.root import Config
from clickthrough.errors import ConfigError
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.plan import Plan, make_plan
from clickthrough.schema import Schema
from clickthrough.training.prepare import Prepared
from clickthrough.training.rows.table import ITEM, Table, counts

Places = NDArray[np.int64]


def narrowed(prepared: Prepared, config: Config) -> Prepared:
    """Return what :func:`clickthrough.training.prepare.prepare` makes with fewer features.

    Args:
        prepared: with all of them.
        config: the same but for ``drop``.

    Raises:
        ConfigError: a column that is kept would hold other values.
    """
    schema, old = prepared.schema, prepared.encoder
    plan = make_plan(config.declared, config.counters, schema, config.data.timezone)
    if plan == old.plan:
        return prepared
    refuse_changed(old.plan, plan)
    return _of_plan(prepared, plan)


def with_features(prepared: Prepared, names: Collection[str]) -> Prepared:
    """Return prepared data with the columns of some features, as they are.

    Args:
        prepared: with all of them.
        names: of features, see :mod:`clickthrough.config.origins`. A rate that is smoothed towards
            that of another key stays as it is, though that key's own columns go.
    """
    old = prepared.encoder.plan
    plan = replace(
        old,
        ids=tuple(column for column in old.ids if column.origin in names),
        numeric=tuple(column for column in old.numeric if column.origin in names),
        bags=tuple(column for column in old.bags if column.origin in names),
    )
    return _of_plan(prepared, plan)


def _of_plan(prepared: Prepared, plan: Plan) -> Prepared:
    """Return prepared data with the columns of a smaller plan."""
    old = prepared.encoder
    encoder = Encoder(
        plan,
        {table: old.vocabularies[table] for table in plan.vocabularies},
        {column.name: old.scalers[column.name] for column in plan.numeric},
        old.prior,
        old.kin if plan.asks_for_kin else None,
    )
    chosen = _chosen(old, encoder)
    tables = {name: _cut(table, plan, chosen) for name, table in prepared.tables.items()}
    seen = prepared.seen and _cut(prepared.seen, plan, chosen)
    if not any(measure.kind == "position" for measure in plan.measures):
        seen = None
    return Prepared(encoder, prepared.schema, tables, seen)


def check_features(config: Config, schema: Schema) -> None:
    """Refuse a feature to be searched without which a kept column would hold other values.

    Raises:
        ConfigError: names the feature.
    """
    whole = make_plan(config.declared, config.counters, schema, config.data.timezone)
    for name in config.tune.drop:
        less = config.model_copy(update={"drop": [*config.drop, name]})
        if not less.declared:
            raise ConfigError(f"tune.drop: {name}: no other feature is declared")
        plan = make_plan(less.declared, config.counters, schema, config.data.timezone)
        try:
            refuse_changed(whole, plan)
        except ConfigError as error:
            raise ConfigError(f"tune.drop: {name}: {error}") from None


def refuse_changed(old: Plan, plan: Plan) -> None:
    """Refuse a smaller plan that makes a quantity in another way, as a rate smoothed otherwise.

    Raises:
        ConfigError: it does.
    """
    known = set(old.measures)
    changed = [measure.name for measure in plan.measures if measure not in known]
    if changed:
        raise ConfigError(
            f"without it '{changed[0]}' would hold other values, and data are prepared once; "
            "it cannot be searched"
        )


def _chosen(old: Encoder, new: Encoder) -> dict[str, Places]:
    """Return the places of the columns that are kept, for each array of encoded rows."""
    bags = list(old.bag_shapes)
    ends = np.cumsum([0, *(length for _, length in old.bag_shapes.values())])
    spans = dict(zip(bags, pairwise(ends), strict=True))
    places = [np.arange(*spans[name]) for name in new.bag_shapes]
    bag = np.concatenate([np.empty(0, np.int64), *places])
    return {
        "ids": _places(list(old.id_sizes), list(new.id_sizes)),
        "numeric": _places(old.numeric_names, new.numeric_names),
        "bag_ids": bag,
        "bag_weights": bag,
    }


def _places(names: list[str], kept: list[str]) -> Places:
    return np.array([names.index(name) for name in kept], np.int64)


def _cut(table: Table, plan: Plan, chosen: dict[str, Places]) -> Table:
    arrays: dict[str, NDArray[Any]] = {
        name: array.take(chosen[name], axis=1) for name, array in table.inputs.arrays().items()
    }
    rated = {ITEM.name, *(key.name for key in plan.key_sets if counts(plan, key))}
    rates = {name: rate for name, rate in table.rates.items() if name in rated}
    return replace(table, inputs=Encoded(**arrays), rates=rates)
