"""Data-parallel training in several processes: each its share of a batch, together the whole."""
