"""The command line: one verb a part of the way."""

# in the order in which help lists the verbs
from clickthrough.cli import logs, training, comparing, tuning, bundles, explaining, service, whole_way  # noqa: F401 # isort: skip
from clickthrough.cli.entry import main
from clickthrough.cli.root import app

__all__ = ["app", "main"]
