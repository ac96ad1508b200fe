"""Hyperparameter tuning: a study of trials, run by workers that may end at any moment.

``from clickthrough.tuning import tune`` is the verb as a function, with the same names.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clickthrough.tuning.run import tune

__all__ = ["tune"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load on first use what trains: the parts that only keep a study do not need it."""
    if name == "tune":
        from clickthrough.tuning.run import tune

        return tune
    raise AttributeError(f"module 'clickthrough.tuning' has no attribute '{name}'")
