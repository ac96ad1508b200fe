"""The command line: one verb a part of the way."""

# in the order in which help lists the verbs
# isort: off
from clickthrough.cli import logs, schema, training, comparing, tuning  # noqa: F401
from clickthrough.cli import bundles, explaining, reporting, service, whole_way  # noqa: F401

# isort: on
from clickthrough.cli.entry import main
from clickthrough.cli.root import app

__all__ = ["app", "main"]
