"""What early stopping can watch, and what it refuses to."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.config.training import Monitor, Training
from clickthrough.errors import ClickthroughError, ConfigError
from clickthrough.training.optim.loop import Trainer, predict_logits
from clickthrough.training.optim.monitor import monitored, telling_monitors
from clickthrough.training.rows.table import Table
from tests.inputs import without_bags
from tests.training.optim.test_loop import made_model, made_table

FIELDS = ("inputs", "labels", "offsets", "rates")


def changed(table: Table, **values: object) -> Table:
    """Return a table with other labels or offsets."""
    return Table(**{name: getattr(table, name) for name in FIELDS} | values)


@st.composite
def parts(draw: st.DrawFn) -> Table:
    """Few requests of few candidates, of one class or both."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=6))
    rows = sum(sizes)
    labels = draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows))
    inputs = without_bags(np.zeros((rows, 0)), np.zeros((rows, 0)))
    return Table(inputs, np.array(labels, np.int8), np.append(0, np.cumsum(sizes)), {})


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(table=parts())
def test_a_metric_tells_where_it_is_a_number_and_depends_on_the_scores(table: Table) -> None:
    rng = np.random.default_rng(1)
    draws = [rng.normal(0, 2, len(table)).astype(np.float32) for _ in range(20)]
    found = []
    for monitor in get_args(Monitor):
        made = [monitored(logits, table, Training(monitor=monitor)) for logits in draws]
        if np.isfinite(made).all() and np.ptp(made) > 1e-6:
            found.append(monitor)
    assert telling_monitors(table.labels, table.offsets) == found


def test_a_monitor_that_says_nothing_is_refused_naming_those_that_would_do() -> None:
    validation = changed(made_table(2), labels=np.zeros(800, np.int8))
    said = (
        r"^training.monitor: auc says nothing of this validation part \(0 clicks in 800 "
        r"impressions, 200 requests\); these would do: log_loss, ece$"
    )
    with pytest.raises(ConfigError, match=said):
        Trainer(made_model(), made_table(1), validation, Training(monitor="auc"))


@pytest.mark.parametrize("monitor", ["request_auc", "map_at_12", "ndcg", "listwise_loss"])
def test_one_candidate_a_request_ranks_nothing(monitor: Monitor) -> None:
    validation = changed(made_table(2), offsets=np.arange(801))
    with pytest.raises(ConfigError, match=r"would do: log_loss, normalized_entropy, ece, auc$"):
        Trainer(made_model(), made_table(1), validation, Training(monitor=monitor))


@pytest.mark.parametrize("label", [0, 1])
def test_the_default_monitor_trains_on_a_log_of_one_class(label: int) -> None:
    train, validation = (
        changed(made_table(seed), labels=np.full(800, label, np.int8)) for seed in (1, 2)
    )
    model = made_model()
    before = predict_logits(model, validation.inputs).mean()
    epochs = Trainer(
        model, train, validation, Training(epochs=3, batch_size=64, decay="none")
    ).run()
    after = predict_logits(model, validation.inputs).mean()
    assert len(epochs) == 3
    assert (after - before) * (1 if label else -1) > 0.4


def test_scores_of_the_validation_part_that_are_no_numbers_end_the_run() -> None:
    validation = made_table(2)
    validation.inputs.numeric[5, 1] = np.nan
    trainer = Trainer(made_model(), made_table(1), validation, Training(epochs=2, batch_size=64))
    with pytest.raises(ClickthroughError, match="epoch 1: log_loss of the validation part is not"):
        trainer.run()
