"""Encoding: from fields and history columns to model input, the same numpy code everywhere."""
