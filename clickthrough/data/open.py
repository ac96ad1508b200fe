"""The door to every reader: from a data section of the configuration to a dataset."""

from clickthrough.config.data import DataConfig, EbnerdData, OutbrainData
from clickthrough.data import ebnerd, tabular
from clickthrough.data.convert import convert
from clickthrough.data.dataset import Dataset
from clickthrough.data.outbrain import reader as outbrain


def open_dataset(config: DataConfig) -> Dataset:
    """Convert a log on its first read, and return it.

    Raises:
        DataError: a file is missing or unreadable, or the log fails a check.
    """
    settings = config.model_dump_json(exclude={"cache", "split", "timezone"})
    if isinstance(config, EbnerdData):
        return convert(config.cache, settings, ebnerd.files(config), lambda _: ebnerd.read(config))
    if isinstance(config, OutbrainData):
        files = outbrain.files(config)
        return convert(config.cache, settings, files, lambda there: outbrain.read(config, there))
    return convert(config.cache, settings, tabular.files(config), lambda _: tabular.read(config))
