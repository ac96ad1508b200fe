"""A selection: candidates prepared once, judged fold by fold, and what stays written down."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from clickthrough.alone import alone
from clickthrough.config.load import load_config
from clickthrough.config.origins import origins_of, without
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TRAIN, VALIDATION
from clickthrough.errors import ConfigError
from clickthrough.models.trees import Sizes
from clickthrough.models.trees.rates import fit_inputs
from clickthrough.selection.alike import ROWS, near_duplicates
from clickthrough.selection.candidates import with_generated
from clickthrough.selection.curve import Curve, Sets, point_of
from clickthrough.selection.decide import Alike, Decision, decided
from clickthrough.selection.folds import levelled, newest
from clickthrough.selection.importance import (
    MOST_ROWS,
    Importances,
    importances,
    tree_origins,
)
from clickthrough.selection.settings import Choice
from clickthrough.selection.write import write_selection
from clickthrough.steps import step
from clickthrough.training.prepare import Prepared, plan_of, prepare
from clickthrough.training.refusals import refuse_unlearnable
from clickthrough.training.told import Told

_LOCK = ".lock"


@dataclass(frozen=True)
class Selection:
    """What was chosen.

    Attributes:
        config: with what stays alone.
        decisions: of every candidate, the most important first.
        importances: by which they were made.
        curve: what sets of features reach on the validation part.
        columns: inputs of a model: of all candidates, and of what stays.
        reads: key sets and sequences that serving reads: of all, and of what stays.
    """

    config: Config
    decisions: list[Decision]
    importances: Importances
    curve: Curve
    columns: tuple[int, int]
    reads: tuple[int, int]

    @property
    def kept(self) -> list[str]:
        """The features that stay."""
        return [one.name for one in self.decisions if one.kept]


def select(
    config: Config | str | Path,
    out: Path | None = None,
    choice: Choice | None = None,
    told: Told | None = None,
) -> Selection:
    """Choose features by what trees make of them on the training part.

    The validation part measures what is retained; the test part is not looked at.

    Args:
        config: the log, its features, counters and split; or a YAML file, or a preset's name.
        out: a directory for ``selected.yaml``, tables and pictures; none by default.
        choice: what is kept, and how it is decided.
        told: where to report to.

    Raises:
        ConfigError: a name is none of the candidates', or nothing would stay.
        DataError: nothing can be learned of the log.
        ClickthroughError: another run works on the directory, or it cannot be written.
    """
    config = config if isinstance(config, Config) else load_config(config)
    with nullcontext() if out is None else alone(out, out / _LOCK):
        made = _selected(config, choice or Choice(), told or Told())
        if out is not None:
            write_selection(made, out)
    return made


def _selected(config: Config, choice: Choice, told: Told) -> Selection:
    """Choose features; see :func:`select`."""
    generated = (*choice.keep, *choice.deny) if choice.generate else ()
    choice.check([*_names(config), *generated])
    dataset = open_dataset(config.data)
    refuse_unlearnable(dataset, config.data.split)
    if choice.generate:
        config = with_generated(config, dataset, choice.most)
        choice.check(_names(config))
    names = _names(config)
    told.say(f"{len(names):,} candidates")
    prepared = prepare(dataset, config, "live", parts=(TRAIN, VALIDATION))
    with step("fitting trees to folds"):
        found = importances(prepared, config, choice.rounds)
    decisions = decided(found, choice, _alike(prepared, choice))
    _refuse_nothing(decisions)
    with step("fitting trees to the best features"):
        decisions, curve = _measured(prepared, config, choice, decisions)
    kept = [one.name for one in decisions if one.kept]
    smaller = _smaller(config, kept)
    plans = [plan_of(one, dataset.schema) for one in (config, smaller)]
    columns, reads = (
        (sizes[0], sizes[1])
        for sizes in (
            [len(p.ids) + len(p.numeric) + len(p.bags) for p in plans],
            [len(p.key_sets) + len(p.sequence_sets) for p in plans],
        )
    )
    return Selection(smaller, decisions, found, curve, columns, reads)


def _names(config: Config) -> list[str]:
    return list(dict.fromkeys(name for one in config.declared for name in origins_of(one)))


def _alike(prepared: Prepared, choice: Choice) -> Alike:
    """Return what tells near-duplicates, by the newest rows of the training part."""

    def tell(ranked: Sequence[str]) -> Mapping[str, str]:
        train = prepared.tables["train"]
        inputs, _ = fit_inputs(levelled(newest(train, MOST_ROWS)), Sizes.of(prepared.encoder))
        matrix = inputs.matrix(train.inputs[slice(max(0, len(train) - ROWS), len(train))])
        return near_duplicates(matrix, tree_origins(prepared.encoder), ranked, choice.alike)

    return tell


def _measured(
    prepared: Prepared, config: Config, choice: Choice, decisions: list[Decision]
) -> tuple[list[Decision], Curve]:
    """Say what stays reaches; where fewer features are to do, leave the others."""
    ranked = [one.name for one in decisions if one.kept]
    sets = Sets(prepared, config, ranked, choice.stays)
    whole = point_of(prepared, config, [one.name for one in decisions])
    size = len(ranked)
    if choice.retain is not None:
        size = sets.fewest(whole, choice.retain)
        why = f"not needed for {choice.retain:.4g} of what AUC has above one half"
        kept = sets.names(size)
        gone = {name for name in ranked if name not in kept}
        decisions = [
            replace(one, kept=False, why=f"{why}: {one.why}") if one.name in gone else one
            for one in decisions
        ]
    return decisions, sets.curve(whole, size)


def _refuse_nothing(decisions: list[Decision]) -> None:
    """Refuse a selection that would keep nothing.

    Raises:
        ConfigError: it is one.
    """
    if not any(one.kept for one in decisions):
        raise ConfigError(
            "no feature rises above noise: clicks that were dealt out anew gain trees as much; "
            "name what is to stay by --keep"
        )


def _smaller(config: Config, kept: list[str]) -> Config:
    """Return a configuration with what stays."""
    gone = [name for name in _names(config) if name not in kept]
    features = without(config.declared, gone)
    return config.model_copy(update={"features": features, "drop": []})
