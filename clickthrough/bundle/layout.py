"""The names of a bundle's files."""

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
METRICS = "metrics.json"

FORMAT = 1
"""Raised when a bundle of the old layout can no longer be read."""
