"""What the history of a log is made of: its tables, and which of their rows count."""

from dataclasses import dataclass
from pathlib import Path

from clickthrough.config.features import Counters
from clickthrough.errors import ConfigError
from clickthrough.features.history.known import Known


@dataclass(frozen=True)
class EventFilter:
    """Which rows count as events: those whose column is below a bound."""

    column: str
    below: int


@dataclass(frozen=True)
class LogFiles:
    """The tables of a log.

    Attributes:
        impressions: a Parquet file, or a directory of them, in order of ``row``.
        counters: tick, delay.
        seeds: the Parquet file of a given history, or None.
        views: those of page views, or None.
        events: which impressions count; all by default.
        known: what a bundle knows of before the log, which then begins with it: with its sequences,
            not with a given history, and without page views that it holds.
    """

    impressions: Path
    counters: Counters
    seeds: Path | None = None
    views: Path | None = None
    events: EventFilter | None = None
    known: Known | None = None

    def viewed(self) -> Path:
        """Return the page views.

        Raises:
            ConfigError: there are none.
        """
        if self.views is None:
            raise ConfigError("'of: views' needs page views, but the log has none")
        return self.views

    def views_between(self) -> tuple[int | None, int | None]:
        """Return the moments between which page views count: from one on, before the other."""
        by_time = self.events is not None and self.events.column == "time"
        return (
            self.known.until if self.known is not None else None,
            self.events.below if by_time and self.events is not None else None,
        )

    def seeds_of(self, fields: set[str]) -> Path | None:
        """Return the given history of some fields, where it is not in what is known."""
        return self.seeds if self.known is None and fields <= {"user", "item"} else None
