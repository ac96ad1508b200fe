"""Reasons in answers: what they cost, and how near the sampled way comes to the exact one.

    taskset -c 0 python benchmarks/explain.py models --data demo
    python benchmarks/explain.py models --data demo --trees

Requests are those of the bundle's log: 100 candidates drawn from all displays in the context of
each display, ranked with and without ``explain=3`` in turn. Accuracy is of 100 impressions of the
test part, against all coalitions, or against 512 pairs of permutations where there are too many
groups: by the groups that answers name, by a dozen, and by every declared feature. "moved" is how
often the logit moves against the sign of the sum of the three that are named, once these are put
to what is typical. ``--trees`` fits LightGBM on the log and compares reasons with its own.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from real_requests import displays_of, with_candidates
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from clickthrough import Predictor
from clickthrough.bundle import Bundle, load_bundle
from clickthrough.bundle.log import log_of
from clickthrough.explain.design import design
from clickthrough.explain.explainer import Explainer
from clickthrough.explain.groups import Groups
from clickthrough.explain.shares import PAIRS, mixed, shares
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees import FittedTrees, Sizes, TreeSettings, fit_trees
from clickthrough.training.prepare import prepare

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
IMPRESSIONS, REQUESTS, NAMED = 100, 400, 3
MOST_EXACT, MANY = 12, 512


def rows_of(predictor: Predictor, data: Path | None) -> Encoded:
    """Return impressions of the test part, encoded."""
    displays = displays_of(predictor.bundle, data)
    raw = [display.context | row for display in displays for row in display.candidates]
    drawn = np.random.default_rng(0).choice(len(raw), IMPRESSIONS, replace=False)
    return Encoded(**predictor.encode([raw[place] for place in drawn]))


def dozen(groups: Groups) -> Groups:
    """Return the declared features, the last of them together."""
    held = [np.minimum(own, MOST_EXACT - 1) for own in (groups.ids, groups.numeric, groups.bags)]
    return Groups(groups.every[:MOST_EXACT], *held)


def named(of: Floats) -> frozenset[int]:
    """Return the strongest groups."""
    return frozenset(np.argsort(-np.abs(of))[:NAMED].tolist())


def without(explainer: Explainer, groups: Groups, rows: Encoded, found: Floats) -> float:
    """Return how often the logit moves against the sum of the named."""
    whole, typical = explainer.logits(rows), explainer.typical
    moved = 0
    for place, of in enumerate(found):
        gone = np.zeros(len(groups.every), bool)
        gone[[*named(of)]] = True
        left = mixed(groups, ~gone[None], rows[place : place + 1], typical)
        change = float(explainer.logits(left)[0]) - whole[place]
        moved += bool(change * of[gone].sum() < 0)
    return moved / len(found)


def accuracy(bundle: Bundle, rows: Encoded) -> Table:
    """Compare samples with the exact shares."""
    explainer, declared = Explainer.of(bundle), Explainer.of(bundle, merged=False).groups
    table = Table("groups", "pairs", title=f"{len(rows)} impressions of the log")
    for heading in ("differ", "scored rows", "rank correlation", "least", "same three", "moved"):
        table.add_column(heading, justify="right")
    every = {
        "as answers name them": explainer.groups,
        "a dozen": dozen(declared),
        "all declared": declared,
    }
    against = explainer.typical[np.zeros(len(rows), np.intp)]
    for name, groups in every.items():
        few = len(groups.every) <= MOST_EXACT

        def of(pairs: int, most_exact: int, groups: Groups = groups) -> Floats:
            found = shares(explainer.logits, groups, rows, against, pairs, most_exact)
            return np.array([own.of for own in found])

        exact = of(MANY, MOST_EXACT if few else 0)
        players = (exact != 0).sum(axis=1).mean()
        for pairs in (4, 8, PAIRS, 24):
            made = of(pairs, 0)
            order = [spearmanr(a, b).statistic for a, b in zip(made, exact, strict=True)]
            same = [named(a) == named(b) for a, b in zip(made, exact, strict=True)]
            scored = len(design(round(players), pairs, 0).members)
            cells = (f"{players:.1f}", f"{scored:,}", f"{np.mean(order):.3f}", f"{min(order):.3f}")
            moved = without(explainer, groups, rows, made)
            ends = f"{np.mean(same):.2f}", f"{moved:.2f}"
            table.add_row(f"{name} ({len(groups.every)})", str(pairs), *cells, *ends)
    return table


def cost(predictor: Predictor, data: Path | None) -> Table:
    """Rank 100 candidates with and without reasons, in turn."""
    rng = np.random.default_rng(1)
    displays = displays_of(predictor.bundle, data)
    requests = with_candidates(displays, 100, rng)[:REQUESTS]
    waits: dict[str, list[float]] = {"without": [], "explain=3": []}
    for context, candidates in requests:
        for name, explain in (("without", None), ("explain=3", 3)):
            start = time.perf_counter()
            predictor.rank(context, candidates, top=3, explain=explain)
            waits[name].append((time.perf_counter() - start) * 1e3)
    table = Table("top 3 of 100", title=f"ms a request, of {len(requests)}")
    for heading in ("p50", "p99"):
        table.add_column(heading, justify="right")
    found = {name: np.percentile(own, [50, 99]) for name, own in waits.items()}
    for name, (p50, p99) in found.items():
        table.add_row(name, f"{p50:.2f}", f"{p99:.2f}")
    more = found["explain=3"] - found["without"]
    table.add_row("more", *(f"{part:+.2f}" for part in more))
    return table


def of_columns(groups: Groups, sizes: Sizes) -> NDArray[np.intp]:
    """Return the group of each column that trees see."""
    firsts = np.cumsum([0, *sizes.lengths])[:-1].astype(np.intp)
    looked_up = [groups.ids[sizes.looked_up], groups.bags[firsts]]
    parts = [groups.ids[sizes.codes], *(np.repeat(own, 2) for own in looked_up), groups.numeric]
    return np.concatenate(parts)


def beside_theirs(trees: FittedTrees, groups: Groups, rows: Encoded, against: Encoded) -> Pair:
    """Return shares, and LightGBM's contributions less those of what is typical, by group."""
    columns = of_columns(groups, trees.inputs.sizes)

    def own(asked: Encoded) -> Floats:
        matrix = trees.inputs.matrix(asked)
        made = np.asarray(trees.booster.predict(matrix, pred_contrib=True))[:, :-1]
        by = np.zeros((len(groups.every), len(made)))
        np.add.at(by, columns, made.T)
        return by.T

    def score(asked: Encoded) -> Floats:
        made: Floats = trees.logits(asked).astype(np.float64)
        return made

    ours = np.array([made.of for made in shares(score, groups, rows, against)])
    return ours, own(rows) - own(against)


def compare_trees(bundle: Bundle, data: Path | None) -> Table:
    """Compare shares with LightGBM's own contributions, by declared features."""
    tables = prepare(log_of(bundle, data), bundle.config, "live", bundle.encoder).tables
    explainer, sizes = Explainer.of(bundle, merged=False), Sizes.of(bundle.encoder)
    test = tables["test"].inputs
    drawn = np.sort(np.random.default_rng(0).choice(len(test), IMPRESSIONS, replace=False))
    against = explainer.typical[np.zeros(IMPRESSIONS, np.intp)]
    table = Table("leaves", title="beside LightGBM's pred_contrib, all declared features")
    for heading in ("rank correlation", "least", "same strongest", "largest difference"):
        table.add_column(heading, justify="right")
    for leaves in (2, 31):
        chosen = TreeSettings(leaves=leaves)
        trees = fit_trees(tables["train"], tables["validation"], sizes, chosen)
        ours, theirs = beside_theirs(trees, explainer.groups, test[drawn], against)
        order = [spearmanr(a, b).statistic for a, b in zip(ours, theirs, strict=True)]
        same = np.argmax(np.abs(ours), axis=1) == np.argmax(np.abs(theirs), axis=1)
        gap = np.abs(ours - theirs).max()
        cells = f"{np.mean(order):.3f}", f"{min(order):.3f}", f"{same.mean():.2f}", f"{gap:.1g}"
        table.add_row(str(leaves), *cells)
    return table


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="What reasons cost, and how near they are.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, help="where the bundle's log lies")
    parser.add_argument("--trees", action="store_true", help="compare with LightGBM's own")
    asked = parser.parse_args()
    console = Console(width=110)
    if asked.trees:
        console.print(compare_trees(load_bundle(asked.bundle), asked.data))
        return
    predictor = Predictor.load(asked.bundle)
    predictor.warm_up()
    console.print(cost(predictor, asked.data))
    console.print(accuracy(predictor.bundle, rows_of(predictor, asked.data)))


if __name__ == "__main__":
    main()
