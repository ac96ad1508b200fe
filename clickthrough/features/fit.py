"""Fitting the encoder on the training period: vocabularies, the prior, scalers."""

import numpy as np
import polars as pl

from clickthrough.errors import ConfigError
from clickthrough.features.columns import BagColumn, IdColumn
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.kin import Kin
from clickthrough.features.encoding.numeric import POSITION, numeric_values
from clickthrough.features.encoding.vocabulary import Vocabulary, shorten
from clickthrough.features.fit_kin import fit_kin
from clickthrough.features.fit_scaler import fit_scaler
from clickthrough.features.plan import Plan
from clickthrough.features.rows import LISTS
from clickthrough.features.table import encoder_columns, field_array, places, request_offsets
from clickthrough.schema import Schema


def fit_encoder(
    plan: Plan,
    schema: Schema,
    train: pl.DataFrame | pl.LazyFrame,
    sample: pl.DataFrame | None = None,
    history: pl.LazyFrame | None = None,
) -> Encoder:
    """Fit an encoder.

    Args:
        plan: the columns to make.
        schema: the log's columns.
        train: impressions of the training period, in order of ``row``, for vocabularies and prior.
        sample: some of them, whole requests with their history, for scalers; all by default.
        history: what users clicked before the log, where the plan asks what makes them alike.

    Raises:
        ConfigError: the plan asks, and there is no history.
    """
    train = train.lazy()
    sample = train.collect() if sample is None else sample
    vocabularies = {
        table: fit_vocabulary(train, column, schema) for table, column in plan.vocabularies.items()
    }
    prior = fit_prior(train.select("label").collect(engine="streaming")["label"])
    columns, offsets = encoder_columns(sample, plan, schema), request_offsets(sample)
    columns[POSITION] = places(offsets)
    kin = kin_of(plan, history, schema)
    values = numeric_values(plan, prior, columns, offsets, kin)
    scalers = {
        column.name: fit_scaler(values[:, place], column.missing)
        for place, column in enumerate(plan.numeric)
    }
    return Encoder(plan, vocabularies, scalers, prior, kin)


def kin_of(plan: Plan, history: pl.LazyFrame | None, schema: Schema) -> Kin | None:
    """Return what makes users alike, where a plan asks for it.

    Raises:
        ConfigError: it does, and there is no history.
    """
    if not plan.asks_for_kin:
        return None
    if history is None:
        raise ConfigError(
            "features: 'kinship' needs what users clicked before the log; it has no such history"
        )
    return fit_kin(history, schema)


def fit_vocabulary(train: pl.LazyFrame, column: IdColumn | BagColumn, schema: Schema) -> Vocabulary:
    """Keep the values that occur often enough, the most frequent where there are too many."""
    name, kind = column.field, schema.fields[column.field]
    values = pl.col(name).explode() if kind in LISTS else pl.col(name)
    counts = train.select(values).drop_nulls().group_by(name).len("__n")
    common = counts.filter(pl.col("__n") >= column.min_count).collect(engine="streaming")
    kept = common.sort(["__n", name], descending=[True, False])
    if column.max_size is not None:
        kept = kept.head(column.max_size)
    return Vocabulary(np.unique(shorten(field_array(kept[name], LISTS.get(kind, kind)))))


def fit_prior(labels: pl.Series) -> float:
    """Return the click rate, kept off 0 and 1 by one half of a click."""
    known = labels.drop_nulls()
    return (int(known.cast(pl.Int64).sum()) + 0.5) / (len(known) + 1)
