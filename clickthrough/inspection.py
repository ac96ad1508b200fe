"""What a bundle holds, for the terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table

from clickthrough.bundle.load import Bundle
from clickthrough.config.base import format_duration
from clickthrough.features.encoding.scaler import Scaler

if TYPE_CHECKING:  # it loads what training needs
    from clickthrough.trace import Trace


def bundle_tables(bundle: Bundle) -> Iterator[Table]:
    """Return tables of a bundle's identity, inputs and counters."""
    yield _identity(bundle)
    yield _fields(bundle)
    yield _inputs(bundle)
    yield _counters(bundle)
    if bundle.sides:
        yield _sides(bundle)


def trace_tables(traced: "Trace", most_events: int) -> Iterator[Table]:
    """Return tables of one impression: its fields, its features on both sides, their events."""
    fields = Table("raw field", "value", title="impression")
    for name, value in traced.fields.items():
        fields.add_row(name, _text(value))
    yield fields
    features = Table("feature", "batch", "online", "", title="history as of the impression")
    for feature in traced.features:
        mark = "" if feature.agrees else "DIFFERS"
        features.add_row(feature.name, _text(feature.batch), _text(feature.online), mark)
    yield features
    for name, events in traced.events.items():
        more = f", the newest {most_events}" if len(events) > most_events else ""
        table = Table("row", "time", "label", "", title=f"{len(events):,} events of {name}{more}")
        for event in events[:most_events]:
            hidden = "" if event.known else "not known yet"
            table.add_row(
                "view" if event.row is None else str(event.row),
                event.time,
                _text(event.label),
                hidden,
            )
        yield table


def _text(value: object) -> str:
    return "missing" if value is None else str(value)


def _identity(bundle: Bundle) -> Table:
    table = Table(title=f"bundle {bundle.path}", show_header=False)
    manifest = bundle.manifest
    table.add_row("version", manifest.version)
    table.add_row("created", manifest.created)
    table.add_row("by clickthrough", manifest.clickthrough)
    table.add_row("model", bundle.config.model.name)
    table.add_row("calibration", bundle.calibrator.describe())
    table.add_row("counters until", manifest.counters_until)
    return table


def _fields(bundle: Bundle) -> Table:
    table = Table("raw field", "our name", "type", title="what a request may hold")
    for name in bundle.plan.fields:
        table.add_row(bundle.schema.input_name(name), name, bundle.schema.fields[name])
    return table


def _inputs(bundle: Bundle) -> Table:
    table = Table("input", "kind", "detail", title="what the model sees")
    for name, size in bundle.encoder.id_sizes.items():
        table.add_row(name, "ids", f"{size:,}")
    for name, (size, length) in bundle.encoder.bag_shapes.items():
        table.add_row(name, "bag", f"{size:,}, up to {length} each")
    for column in bundle.plan.numeric:
        scaler = bundle.encoder.scalers[column.name]
        table.add_row(column.name, "number", _scaled(scaler))
    return table


def _scaled(scaler: Scaler) -> str:
    if scaler.is_constant:
        return "weighs nothing: did not vary in training"
    return (
        f"mean {scaler.mean:.4g}, scale {scaler.scale:.4g}, "
        f"held to {scaler.low:.4g} to {scaler.high:.4g}"
    )


def _counters(bundle: Bundle) -> Table:
    table = Table("history of", "forms", "keys known", title="history")
    for key_set in bundle.plan.key_sets:
        forms = ["all time"]
        forms += [f"in {format_duration(window)}" for window in key_set.windows]
        forms += [f"half-life {format_duration(life)}" for life in key_set.half_lives]
        table.add_row(key_set.name, ", ".join(forms), f"{len(bundle.snapshots[key_set.name]):,}")
    for sequence in bundle.plan.sequence_sets:
        form = f"last {sequence.length} clicks"
        table.add_row(sequence.name, form, f"{len(bundle.snapshots[sequence.name]):,}")
    return table


def _sides(bundle: Bundle) -> Table:
    table = Table("table", "rows", "read by", "gives", title="what callers need not send")
    name = bundle.schema.input_name
    for form, rows in bundle.sides:
        for way in form.ways:
            by, gives = (", ".join(map(name, some)) for some in (way.key, way.gives.values()))
            table.add_row(form.name, f"{len(rows):,}", by, gives)
    return table
