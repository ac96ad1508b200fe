"""Training: from a dataset to a bundle."""
