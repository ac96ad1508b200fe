"""A frame is a log: read, checked and converted as a table file is."""

import hashlib

import polars as pl

from clickthrough.config.data import TabularData
from clickthrough.data.convert import convert_to, digest_of
from clickthrough.data.dataset import Dataset
from clickthrough.data.tabular import raw_log, table_form
from clickthrough.data.unpack import unpacking
from clickthrough.data.written_numbers import typed_texts


def dataset_of_frame(frame: pl.DataFrame, config: TabularData, name: str = "the frame") -> Dataset:
    """Return a frame as a dataset.

    Args:
        frame: an impression a row, columns by the owner's names; a column ``part`` (0 train,
            1 validation, 2 test) where ``config.files`` says that it comes divided.
        config: the data section: roles, times, lists, side tables, cache. Its ``path`` is not read.
        name: how errors call it.

    Raises:
        DataError: what a table file would be refused for.
    """
    settings = config.model_dump_json(exclude={"cache", "split", "timezone", "path"})
    target = config.cache / digest_of(settings, frame.columns, _content(frame))
    rows = typed_texts(frame.lazy(), table_form(config), name, 1)
    with unpacking(config.cache) as plain:  # of side tables
        return convert_to(target, name, lambda _: raw_log(rows, config, name, plain))


def _content(frame: pl.DataFrame) -> str:
    """Return a digest of all values, in their order, and of their types."""
    rows = frame.hash_rows().to_numpy().tobytes()
    return hashlib.sha256(rows + str(frame.dtypes).encode()).hexdigest()
