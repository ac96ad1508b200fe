"""The feature of each number that trees see."""

from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.selection.importance import tree_origins
from clickthrough.training.prepare import prepare


def test_every_number_that_trees_see_has_its_feature(config: Config) -> None:
    prepared = prepare(open_dataset(config.data), config, "live")
    origins = tree_origins(prepared.encoder)
    assert origins[0] == "categorical(platform)"  # of few ids: seen as they are
    assert origins.count("categorical(item)") == 2  # looked up: its odds and its count
    assert origins.count("time(hour)") in (1, 2)
    assert origins[-1] == prepared.encoder.slots[-1].origin
