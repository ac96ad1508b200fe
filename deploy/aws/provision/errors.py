"""What ends a command with one line instead of a traceback."""


class RefusedError(Exception):
    """Something is missing, wrong or in the way; the message says what, and what to do."""
