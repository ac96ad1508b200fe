"""The names of a bundle's files."""

from urllib.parse import quote

MANIFEST = "manifest.json"
ONNX = "ctr_model.onnx"
WEIGHTS = "ctr_model.safetensors"
VOCABULARIES = "cat_vocab"
CLASS_COUNTS = "cat_num_classes.json"
SCALER = "numeric_scaler.json"
CATEGORICAL = "final_categorical.json"
NUMERIC = "final_numeric.json"
CALIBRATOR = "calibrator.json"
CONFIG = "config.json"
SCHEMA = "schema.json"
COUNTERS = "counters"
KIN_USERS = "kin_users.npy"
KIN_VECTORS = "kin_vectors.npy"
METRICS = "metrics.json"
LOOKUP = "lookup"
TABLES = f"{LOOKUP}/tables.json"
"""Says what the side tables beside it are; a bundle need not have any."""

FORMAT = 3
"""Raised when a bundle of the old layout can no longer be read."""


def file_stem(name: str) -> str:
    """Return the name of a column or key set as a file may be called on any system.

    >>> file_stem("user:last:item")
    'user%3Alast%3Aitem'
    """
    return quote(name, safe="+")
