"""Features: declared once, run in batch and online.

``plan`` expands the declaration. History (``history/``) needs other impressions: ``batch`` on
lazy frames, ``online`` from the store. Encoding (``encoding/``) needs only the request and is
the same numpy code in both. This package imports nothing of the batch side.
"""
