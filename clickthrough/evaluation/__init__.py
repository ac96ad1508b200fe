"""Evaluation: metrics as pure functions, baselines, and the report that joins them."""
