"""What a run says of its log and inputs before it trains."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from clickthrough.config.base import format_duration
from clickthrough.config.features import Counters
from clickthrough.config.serving import Serving
from clickthrough.data.dataset import Dataset, Report
from clickthrough.features.reader import IDS
from clickthrough.features.sides import SideTable
from clickthrough.training.prepare import Prepared


def describe(dataset: Dataset, counters: Counters) -> str:
    """Say what a log holds: a line, and one for each thing to know of it."""
    report, timed = dataset.report, "time" in dataset.schema.roles
    rate = report.clicks / max(report.impressions - report.unlabelled, 1)
    line = (
        f"{report.impressions:,} impressions in {report.requests:,} requests, "
        f"click rate {rate:.4f}, {_span(report) if timed else 'without times'}"
    )
    warnings = _within_a_tick(report, counters) if timed else []
    return "\n".join([line, *report.notes, *warnings])


def describe_long_texts(dataset: Dataset, fields: Sequence[str], serving: Serving) -> list[str]:
    """Warn of texts with which the log's own impressions would be refused by the service.

    Args:
        dataset: the log.
        fields: our names of what the model reads.
        serving: how long texts may be.
    """
    schema = dataset.schema
    texts = [name for name in (*fields, "request_id") if schema.fields.get(name) == "str"]
    longest = dataset.impressions().select(pl.col(name).str.len_bytes().max() for name in texts)
    lines = []
    for name, found in longest.collect(engine="streaming").to_dicts()[0].items() if texts else ():
        setting = "max_id_bytes" if name in IDS else "max_text_bytes"
        most = getattr(serving, setting)
        if found is not None and found > most:
            lines.append(
                f"warning: '{schema.input_name(name)}' has texts of up to {found:,} bytes; scoring "
                f"refuses those of more than {most:,}: --set serving.{setting}={found}"
            )
    return lines


def describe_inputs(prepared: Prepared) -> str:
    """Say what the model sees: a line, and one of the columns that weigh nothing."""
    sizes = prepared.encoder.id_sizes
    rows = ", ".join(f"{len(table):,} {name}" for name, table in prepared.tables.items())
    line = (
        f"{rows}; {len(sizes)} id columns ({sum(sizes.values()):,} ids), "
        f"{len(prepared.encoder.bag_shapes)} bags, "
        f"{len(prepared.encoder.numeric_names)} numeric inputs"
    )
    constant = prepared.encoder.constant_names
    return line + (f"\n{_weightless(constant)}" if constant else "")


def describe_sides(sides: Sequence[SideTable], named: Iterable[str]) -> list[str]:
    """Say which side tables a bundle holds: a line, and one of those that were named in vain."""
    held = {side.form.name: len(side.rows) for side in sides}
    left = [name for name in named if name not in held]
    rows = "; ".join(f"{name} {rows:,} rows" for name, rows in held.items())
    lines = [f"side tables in the bundle: {rows}"] if rows else []
    return lines + ([f"side tables of which nothing is read: {', '.join(left)}"] if left else [])


def _weightless(names: list[str]) -> str:
    """Name the columns of which training rows say nothing."""
    return f"weigh nothing, for they do not vary in the training rows: {', '.join(names)}"


def _span(report: Report) -> str:
    first, last = (np.datetime64(t, "us").astype("datetime64[s]") for t in
                   (report.first, report.last))  # fmt: skip
    return f"{first} to {last} UTC"


def _within_a_tick(report: Report, counters: Counters) -> list[str]:
    """Warn of a log too short for any of its events to be seen by another."""
    least = counters.tick + counters.label_delay
    if (report.last - report.first) // 1_000_000 >= least:
        return []
    delay = f" and label delay ({format_duration(counters.label_delay)})"
    return [
        f"warning: the log spans less than one tick ({format_duration(counters.tick)})"
        f"{delay if counters.label_delay else ''}: "
        "counters and sequences see little or nothing of it"
    ]
