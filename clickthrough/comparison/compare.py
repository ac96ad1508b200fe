"""A comparison: data prepared once, every contender fitted with every seed; it can be gone on."""

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from clickthrough.alone import alone
from clickthrough.comparison.contenders import Contender
from clickthrough.comparison.run import Outcome, outcome_of, warm_up
from clickthrough.comparison.summary import Summary, summarized
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TEST
from clickthrough.errors import ConfigError
from clickthrough.steps import counted, step
from clickthrough.training.prepare import Prepared, prepare
from clickthrough.training.refusals import refuse_unlabelled, refuse_unlearnable
from clickthrough.training.told import Told
from clickthrough.whole_file import write_whole

_ABOUT, _LOCK = "comparison.json", ".lock"
_READABLE = 60
"""Characters of a contender in the name of a file."""


def compare(
    config: Config, some: Sequence[Contender], seeds: int, out: Path, told: Told
) -> Summary:
    """Fit and measure contenders on the rows of one log.

    Args:
        config: the log, its features, training and calibration; its seed is the first.
        some: who is compared; the others are compared with the first.
        seeds: how many runs each has.
        out: a directory that keeps each run as it ends; runs that lie there are not done again.
        told: where to report to.

    Raises:
        ConfigError: the directory holds runs of another configuration or log.
        DataError: the log has no test part, or nothing can be learned of it.
        ClickthroughError: another run works on the directory.
    """
    with alone(out, out / _LOCK):
        return _compared(config, some, seeds, out, told)


def _compared(
    config: Config, some: Sequence[Contender], seeds: int, out: Path, told: Told
) -> Summary:
    dataset = open_dataset(config.data)
    refuse_unlearnable(dataset, config.data.split)
    refuse_unlabelled(dataset, config.data.split, TEST)
    _begin(config, dataset, out)
    prepared = prepare(dataset, config, "live")
    with step("comparing"):
        outcomes = list(_outcomes(config, some, seeds, prepared, out, told))
    test = prepared.tables["test"]
    with step("resampling requests"):
        return summarized(outcomes, test.labels, test.offsets, config.evaluation)


def _outcomes(
    config: Config,
    some: Sequence[Contender],
    seeds: int,
    prepared: Prepared,
    out: Path,
    told: Told,
) -> Iterator[Outcome]:
    # a seed of each before the next: what is interrupted compares all of them
    first = config.training.seed
    warm_up()  # else the first network's seconds would count what torch loads once
    runs = ((one, seed) for seed in range(first, first + seeds) for one in some)
    rows = len(prepared.tables["test"].labels)
    for one, seed in counted(runs, seeds * len(some)):
        path = out / f"{_file_name(one)}-{seed}.json"
        if not path.exists():
            told.say(f"{one.name}, seed {seed}")
            outcome_of(one, seed, prepared, config, told).save(path)
        yield Outcome.load(path, one.name, seed, rows)


def _begin(config: Config, dataset: Dataset, out: Path) -> None:
    """Note what is compared, or refuse what was begun with something else."""
    about = {
        "log": dataset.path.name,
        "data": config.data.model_dump(mode="json", include={"split", "timezone"}),
        "config": config.model_dump(mode="json", exclude={"serving", "data", "tune"}),
    }
    text = json.dumps(about, indent=2, sort_keys=True) + "\n"
    path = out / _ABOUT
    try:
        if path.is_file() and path.read_bytes() != text.encode():
            raise ConfigError(
                f"{out}: holds runs of another log or configuration; name another --out"
            )
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {out}: no directory can be there: {error.strerror}") from None
    write_whole(path, text)


def _file_name(one: Contender) -> str:
    """Return a name that tells settings apart, however long they are and however written."""
    readable = re.sub(r"[^A-Za-z0-9_.=-]+", "_", one.name).strip("_")[:_READABLE]
    digest = blake2b(one.name.encode(), digest_size=4).hexdigest()
    return readable if readable == one.name else f"{readable}-{digest}"
