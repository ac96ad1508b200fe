"""A worker: ``python -m clickthrough.tuning.worker OUT TRIALS``, as :mod:`.run` starts it.

It ends with the process that started it, and may be killed at any moment.
"""

import json
import os
import sys
import warnings
from functools import partial
from pathlib import Path

from clickthrough.tuning import stored
from clickthrough.tuning.objective import Objective, directions_of, pruner_of, sampler_of
from clickthrough.tuning.queue import Queue
from clickthrough.tuning.spaces import space_of
from clickthrough.tuning.storage import STORAGE, open_study
from clickthrough.tuning.work import end_with_parent, work

PREPARED, STUDY = "prepared", "study.json"


def main() -> None:
    """Run trials until as many as were asked for are done."""
    end_with_parent()
    warnings.simplefilter("ignore")  # what is worth knowing was said before the workers began
    out, wanted = Path(sys.argv[1]), int(sys.argv[2])
    prepared, config = stored.load(out / PREPARED)
    space = space_of(config)
    about = json.loads((out / STUDY).read_bytes())
    directions = directions_of(space.metrics)
    study, guard = open_study(out, os.environ.get(STORAGE), directions, about)
    study.pruner = pruner_of(config.tune)
    draws = partial(sampler_of, config.training.seed, config.tune)
    work(Queue(study, guard), Objective(space, prepared), draws, wanted)


if __name__ == "__main__":
    main()
