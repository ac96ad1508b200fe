"""The door to every reader: from a data section of the configuration to a dataset."""

from clickthrough.config.data import FRAME, DataConfig, EbnerdData, OutbrainData, TabularData
from clickthrough.data import ebnerd, tabular
from clickthrough.data.convert import convert
from clickthrough.data.dataset import Dataset
from clickthrough.data.diagnose import first_misfit
from clickthrough.data.outbrain import reader as outbrain
from clickthrough.data.outbrain.room import conversion_bytes
from clickthrough.data.outbrain.tables import table_files
from clickthrough.data.room import parquet_bytes, table_bytes
from clickthrough.data.unpack import unpacking
from clickthrough.errors import DataError


def open_dataset(config: DataConfig) -> Dataset:
    """Convert a log on its first read, and return it.

    Raises:
        DataError: a file is missing or unreadable, or the log fails a check.
    """
    settings = config.model_dump_json(exclude={"cache", "split", "timezone"})
    match config:
        case EbnerdData():
            files = ebnerd.files(config)
            return convert(
                config.cache,
                settings,
                files,
                lambda _: ebnerd.read(config),
                lambda: parquet_bytes(files, ebnerd.COPIES),
            )
        case OutbrainData():
            files = outbrain.files(config)
            return convert(
                config.cache,
                settings,
                files,
                lambda there: outbrain.read(config, there),
                lambda: conversion_bytes(table_files(config.path)),
            )
        case TabularData():
            return _open_tabular(config, settings)


def _open_tabular(config: TabularData, settings: str) -> Dataset:
    if config.path == FRAME:
        raise DataError("the log was a frame, which no file holds; say where a log of it lies")
    # frames are lazy: what was decompressed must last until they are written
    with unpacking(config.cache) as plain:
        files = tabular.files(config)
        try:
            return convert(
                config.cache,
                settings,
                files,
                lambda _: tabular.read(config, plain),
                lambda: table_bytes(files, tabular.table_form(config)),
            )
        except DataError as error:
            where = first_misfit(config, plain) if all(path.is_file() for path in files) else None
            raise DataError(f"{error}; {where}" if where else str(error)) from None
