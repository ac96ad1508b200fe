"""Runs that are kept: what each was asked for, and what it came to."""
