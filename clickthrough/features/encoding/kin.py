"""How alike a user is to those who clicked a candidate last: vectors of what each clicked before.

Vectors are multiples of a step, so that every product and sum of them is exact in float64, in
whatever order it is made: batch and online agree to the bit.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, Vocabulary

Floats = NDArray[np.float64]

STEP = 2.0**-12
"""What a number of a vector is a multiple of; vectors have length 1, or 0 of an unknown user."""
_FEW = 3.0
"""Added to how many clicked: what few say of a candidate counts less."""


@dataclass(frozen=True)
class Kin:
    """Users that were known before the log, and a vector of each.

    Attributes:
        users: the users.
        vectors: of each, float32, shape (users, numbers).
    """

    users: Vocabulary
    vectors: NDArray[np.float32]

    @cached_property
    def _table(self) -> Floats:
        """Return the vectors by id; nothing is known of a missing or unseen user."""
        known = np.asarray(self.vectors, np.float64)
        return np.concatenate([np.zeros((FIRST_KNOWN, known.shape[1])), known])

    def alike(
        self, clicked: NDArray[np.generic], size: NDArray[np.generic], own: NDArray[np.generic]
    ) -> Floats:
        """Return the mean likeness of users and those who clicked, held towards 0 by few of these.

        Args:
            clicked: who clicked, shape (n, length), or (1, length) where rows share them.
            size: how many they are, NaN without a key, shape (n,) or (1,).
            own: the user, shape (n,) or (1,).
        """
        who = self.users.encode(clicked.ravel()).reshape(clicked.shape)
        theirs = self._table[who].sum(axis=1)
        summed = (theirs * self._table[self.users.encode(own)]).sum(axis=1)
        made: Floats = summed / (size.astype(np.float64) + _FEW)
        return made
