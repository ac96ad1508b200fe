"""Logs: readers turn them into impressions, splits divide them in order of time."""
