"""Which declared features a model needs: importances over time, beside what noise reaches.

The stages, in their order: what trees never use goes; then what does not rise above the best of any
candidate on clicks dealt out anew; then all but the best; then what says the same as a better one.
Decisions are by declaration, so that what goes need not be read, counted or sent any more.
"""

from clickthrough.selection.run import Selection, select
from clickthrough.selection.settings import Choice

__all__ = ["Choice", "Selection", "select"]
