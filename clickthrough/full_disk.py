"""Whether a failure is the disk's: a place that cannot be written is no log that cannot be read."""

_NO_SPACE = ("No space left", "File too large", "quota")
"""How the operating system says that a file cannot grow; Polars hands its words on."""


def is_full(error: BaseException) -> bool:
    """Return whether an error, or what it came of, says that a file cannot grow."""
    while True:
        if any(text in str(error) for text in _NO_SPACE):
            return True
        before = error.__cause__ or error.__context__
        if before is None:
            return False
        error = before
