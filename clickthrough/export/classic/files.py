"""What the classic files hold, made from a bundle: plain builtins, tensors and one scaler."""

from importlib.metadata import version
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.module import load_module
from clickthrough.config.model import Mlp, WideDeep
from clickthrough.export.calibration import calibration_of
from clickthrough.export.classic.example import plain
from clickthrough.export.classic.inference import Files
from clickthrough.export.classic.weights import classic_weights, embedding_dims
from clickthrough.features.encoding.encoder import TIME_SIZES, Encoder
from clickthrough.features.encoding.scaler import Scaler
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, MISSING, UNSEEN


def classic_files(bundle: Bundle) -> Files:
    """Return what is written: see the list at the head of ``inference.py``.

    Raises:
        BundleError: the model or its calibrator cannot be said in this layout.
    """
    encoder, module = bundle.encoder, load_module(bundle)
    bags = {name: size for name, (size, _) in encoder.bag_shapes.items()}
    categorical = [*encoder.id_sizes, *bags]
    return Files(
        model=_description(bundle, embedding_dims(module, categorical)),
        vocabularies=_vocabularies(encoder),
        num_classes=encoder.id_sizes | bags,
        scaler=standard_scaler(_used(encoder)),
        categorical=categorical,
        numeric=list(_used(encoder)),
        weights=classic_weights(module, categorical),
    )


def standard_scaler(scalers: dict[str, Scaler]) -> StandardScaler:
    """Return scalers as one of scikit-learn's; ``var_`` is the square of the scale.

    How many rows it was fitted on is not known any more: it transforms, and cannot be fitted
    further.
    """
    made = StandardScaler()
    made.mean_ = np.array([scaler.mean for scaler in scalers.values()], np.float64)
    made.scale_ = np.array([scaler.scale for scaler in scalers.values()], np.float64)
    made.var_ = made.scale_**2
    made.n_features_in_ = len(scalers)
    made.feature_names_in_ = np.array(list(scalers), object)
    return made


def _used(encoder: Encoder) -> dict[str, Scaler]:
    return {column.name: encoder.scalers[column.name] for column in encoder.plan.numeric}


def _vocabularies(encoder: Encoder) -> dict[str, dict[int | str, int]]:
    """Return value -> id of each column but the hashed ones."""
    tables = {c.name: c.table for c in encoder.plan.ids if c.source == "field"}
    tables |= {bag.name: bag.table for bag in encoder.plan.bags}
    fields = {name: encoder.vocabularies[table].values.tolist() for name, table in tables.items()}
    known = {
        name: [value for value in map(plain, values) if value is not None]
        for name, values in fields.items()
    }
    sources = {column.name: column.source for column in encoder.plan.ids}
    times = {name: range(TIME_SIZES[s]) for name, s in sources.items() if s in TIME_SIZES}
    return {
        name: {value: id_ for id_, value in enumerate(values, FIRST_KNOWN)}
        for name, values in {**known, **times}.items()
    }


def _description(bundle: Bundle, dims: dict[str, int]) -> dict[str, Any]:
    encoder, model = bundle.encoder, bundle.config.model
    assert isinstance(model, Mlp | WideDeep)  # noqa: S101 - other weights were refused
    scalers = _used(encoder)
    libraries = ("torch", "scikit-learn", "numpy")
    return {
        "bundle": bundle.manifest.version,
        "written_with": {library: version(library) for library in libraries},
        "hidden": model.hidden,
        "dropout": model.dropout,
        "embedding_dropout": model.embedding_dropout,
        "members": model.members,
        "wide": model.name == "wide_deep" and bool(encoder.numeric_names),
        "calibration": calibration_of(bundle.calibrator.model_dump(), list(encoder.id_sizes)),
        "missing_id": MISSING,
        "unseen_id": UNSEEN,
        "first_id": FIRST_KNOWN,
        "embedding_dims": dims,
        "hashed": {c.name: c.buckets for c in encoder.plan.ids if c.source == "hashed"},
        "bags": {name: length for name, (_, length) in encoder.bag_shapes.items()},
        "time_zone": encoder.plan.timezone,
        "fill": {name: scaler.fill for name, scaler in scalers.items()},
        "low": {name: scaler.low for name, scaler in scalers.items()},
        "high": {name: scaler.high for name, scaler in scalers.items()},
        "indicators": [name for name, scaler in scalers.items() if scaler.indicator],
    }
