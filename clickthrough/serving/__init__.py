"""Serving: the predictor, and the HTTP service around it."""
