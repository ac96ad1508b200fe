"""What became of a body of events."""

from dataclasses import asdict, dataclass


@dataclass
class Receipt:
    """What became of a body of events, each of which is one of these.

    Attributes:
        impressions: newly counted.
        clicks: newly counted.
        views: newly counted.
        duplicates: events that were known already.
        waiting: clicks that came before their impression; when it comes, each is counted once
            more, as what it turns out to be.
        late: clicks later than the attribution window of their impression; they change nothing.
        early: clicks earlier than their impression; they change nothing.
        in_snapshot: events older than the bundle's snapshot, which holds them.
    """

    impressions: int = 0
    clicks: int = 0
    views: int = 0
    duplicates: int = 0
    waiting: int = 0
    late: int = 0
    early: int = 0
    in_snapshot: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)
