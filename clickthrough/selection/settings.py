"""How features are chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from clickthrough.config.base import unknown_name
from clickthrough.errors import ConfigError

STRUCTURE = ("request_size", "position")
"""What says how requests are built: its signal is taken out of every fit, so none judges it."""


@dataclass(frozen=True)
class Choice:
    """What is kept, and how it is decided.

    Attributes:
        top: the most features.
        percentile: those from this percentile of importance up; the smaller set where both say.
        retain: of those that are left the fewest that keep such a share of what AUC has above one
            half on the validation part, of all impressions and within requests.
        keep: features that stay whatever trees say of them.
        deny: features that go whatever trees say.
        generate: whether candidates are made of the log's fields beside those declared.
        most: columns of all candidates together that are not passed by what is generated.
        rounds: trees of a fit.
        alike: two features say the same where each column of the one has a rank correlation of so
            much with one of the other's.
    """

    top: int | None = 150
    percentile: float | None = None
    retain: float | None = None
    keep: Sequence[str] = ()
    deny: Sequence[str] = ()
    generate: bool = False
    most: int = 1_000
    rounds: int = 60
    alike: float = 0.995

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ConfigError: names the setting.
        """
        if self.top is not None and self.top < 1:
            raise ConfigError(f"--top {self.top}: expected at least 1")
        if self.percentile is not None and not 0 <= self.percentile < 100:
            raise ConfigError(f"--percentile {self.percentile:g}: expected 0 to below 100")
        if self.retain is not None and not 0 < self.retain <= 1:
            raise ConfigError(f"--retain {self.retain:g}: expected above 0, at most 1")
        both = sorted({*self.keep} & {*self.deny})
        if both:
            raise ConfigError(f"--keep and --deny both name {both[0]}")

    @property
    def stays(self) -> set[str]:
        """What stays in any case, where it is declared."""
        return {*self.keep, *STRUCTURE} - {*self.deny}

    def check(self, names: Sequence[str]) -> None:
        """Refuse a name that no candidate has.

        Args:
            names: of all candidates.

        Raises:
            ConfigError: names the nearest one.
        """
        for option, given in (("--keep", self.keep), ("--deny", self.deny)):
            for name in given:
                if name not in names:
                    raise ConfigError(f"{option}: {unknown_name(name, 'feature', list(names))}")
        if not {*names} - {*self.deny}:
            raise ConfigError("--deny names every feature: nothing would be left")
