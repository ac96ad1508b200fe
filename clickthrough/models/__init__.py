"""Models: one family a file; torch modules are made by ``registry``, trees need no torch."""
