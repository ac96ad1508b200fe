"""Encoded rows: made a chunk at a time, held on disk, drawn, weighted, served in batches."""
