"""Families beside one another: fitted on the same rows, over several seeds, and timed."""
