"""Evaluation of a bundle on a log: the rows, what they are divided by, what stands beside."""
