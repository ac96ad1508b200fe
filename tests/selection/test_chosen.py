"""Some features of a prepared log are what preparing them alone gives."""

import numpy as np

from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.selection.chosen import chosen
from clickthrough.selection.importance import tree_origins
from clickthrough.training.prepare import prepare

GONE = ["categorical(platform)", "counter(user)", "numeric(price)", "time(hour)"]


def test_some_features_are_what_they_are_when_prepared_alone(config: Config) -> None:
    dataset = open_dataset(config.data)
    whole = prepare(dataset, config, "live")
    alone = prepare(dataset, config.model_copy(update={"drop": GONE}), "live")
    kept = {slot.origin for slot in whole.encoder.slots} - {*GONE}
    made = chosen(whole, kept)
    assert made.encoder.slots == alone.encoder.slots
    for part, table in alone.tables.items():
        for name, array in table.inputs.arrays().items():
            np.testing.assert_array_equal(made.tables[part].inputs.arrays()[name], array)
        assert (made.tables[part].labels == table.labels).all()


def test_every_number_that_trees_see_has_its_feature(config: Config) -> None:
    prepared = prepare(open_dataset(config.data), config, "live")
    origins = tree_origins(prepared.encoder)
    assert origins[0] == "categorical(platform)"  # of few ids: seen as they are
    assert origins.count("categorical(item)") == 2  # looked up: its odds and its count
    assert origins.count("time(hour)") in (1, 2)
    assert origins[-1] == prepared.encoder.slots[-1].origin
