"""What can go wrong, as the person who reads it should hear it.

Every error that a user can cause is one of these; the command line prints it as one message
and exits with 2; the service answers a wrong request with 4xx, a store that is away with 503.
"""


class ClickthroughError(Exception):
    """Base of every error that clickthrough raises on purpose."""


class ConfigError(ClickthroughError):
    """A configuration that cannot be used: names the key, what was found, what was expected."""


class DataError(ClickthroughError):
    """A log that cannot be used: names the file, the column or the row."""


class EmptyTableError(DataError):
    """A table without a row: of several files of a log some may be so."""


class BundleError(ClickthroughError):
    """A bundle that is missing, incomplete, altered or of another format version."""


class StoreError(ClickthroughError):
    """An online store that cannot be opened, read or written now."""


class StoreAwayError(StoreError):
    """An online store that does not answer in time; it is asked again without anybody's help."""


class RequestError(ClickthroughError):
    """Impressions or events that cannot be scored or recorded: names the row and the field."""


def install_hint(extra: str) -> str:
    """Return what brings the packages of an extra: clickthrough is on no index.

    >>> install_hint("plot")
    "pip install '.[plot]' in a checkout of clickthrough"
    """
    return f"pip install '.[{extra}]' in a checkout of clickthrough"
