"""The weights in a graph, read from the file itself.

A runtime shows none, a trial cannot meet the row of every id, and what serves has no library for
ONNX. A file is a protocol buffer: fields that are a number and a value, one after another.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Field = tuple[int, int | memoryview]

# the numbers of fields in onnx.proto: of a model, a graph, a node and its attributes, a tensor
_GRAPH, _NODE, _INITIALIZER = 7, 1, 5
_ATTRIBUTE, _FUNCTIONS, _SPARSE = 5, 25, 15
_FLOAT, _OF_ATTRIBUTE, _SEVERAL, _TENSORS = 2, 5, 7, 10
_NESTED = {6, 11, 22, 23}
"""Attributes that are graphs, of loops and branches, or sparse tensors."""
_TYPE, _FLOATS, _RAW, _DOUBLES, _OUTSIDE = 2, 4, 9, 10, 13
_DTYPES = {1: "<f4", 11: "<f8"}
_WHOLE = {2, 6, 7, 9}
"""The types uint8, int32, int64 and bool."""
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
"""How a value is written."""


def weights_of(path: Path) -> Iterator[Floats]:
    """Yield the weights of a graph that are no whole numbers.

    Raises:
        ValueError: it holds something that no exported model does.
    """
    data = np.memmap(path, np.uint8, "r").data
    if any(_parts(data, _FUNCTIONS)):
        raise ValueError("expected no functions in the graph")
    for graph in _parts(data, _GRAPH):
        if any(_parts(graph, _SPARSE)):
            raise ValueError("expected no sparse weights in the graph")
        for tensor in _parts(graph, _INITIALIZER):
            yield from _floats(tensor, path.parent)
        for node in _parts(graph, _NODE):
            for attribute in _parts(node, _ATTRIBUTE):
                yield from _of_attribute(attribute, path.parent)


def _of_attribute(attribute: memoryview, folder: Path) -> Iterator[Floats]:
    """Yield what an attribute of a node holds, as those of trees do.

    Raises:
        ValueError: it is a graph: what repeats may never end.
    """
    for number, value in _fields(attribute):
        if number in _NESTED:
            raise ValueError("expected no loops, branches or sparse weights in the graph")
        if not isinstance(value, memoryview):
            continue
        if number in {_OF_ATTRIBUTE, _TENSORS}:
            yield from _floats(value, folder)
        elif number in {_FLOAT, _SEVERAL}:
            yield np.frombuffer(value, _DTYPES[1])


def _floats(tensor: memoryview, folder: Path) -> Iterator[Floats]:
    (kind,) = (value for number, value in _fields(tensor) if number == _TYPE)
    if kind in _WHOLE:
        return
    if kind not in _DTYPES:
        raise ValueError(f"expected no weights of type {kind}")
    dtype = np.dtype(_DTYPES[int(kind)])
    for number in (_RAW, _FLOATS, _DOUBLES):
        yield from (np.frombuffer(part, dtype) for part in _parts(tensor, number))
    outside = dict(_pair(entry) for entry in _parts(tensor, _OUTSIDE))
    if outside:
        yield _of_another_file(outside, folder, dtype)


def _pair(entry: memoryview) -> tuple[str, str]:
    key, value = (bytes(part).decode() for number in (1, 2) for part in _parts(entry, number))
    return key, value


def _of_another_file(outside: dict[str, str], folder: Path, dtype: np.dtype[np.floating]) -> Floats:
    """Return weights that lie beside the graph, as those of more than 2 GB do."""
    name = outside["location"]
    if Path(name).name != name:
        raise ValueError(f"expected no weights at {name}")
    count = int(outside["length"]) // dtype.itemsize
    return np.memmap(folder / name, dtype, "r", int(outside.get("offset", 0)), (count,))


def _parts(data: memoryview, wanted: int) -> Iterator[memoryview]:
    """Yield the values of one field, which are no numbers."""
    for number, value in _fields(data):
        if number == wanted and isinstance(value, memoryview):
            yield value


def _fields(data: memoryview) -> Iterator[Field]:
    """Yield all fields of a message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        size, how = 0, tag & 7
        if how == _VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if how == _BYTES:
            size, at = _varint(data, at)
        elif how in {_EIGHT, _FOUR}:
            size = 8 if how == _EIGHT else 4
        else:
            raise ValueError(f"expected no value that is written as {how}")
        if at + size > len(data):
            raise ValueError("ends within a value")
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return a number and where it ends: seven bits a byte, the lowest first."""
    number = shift = 0
    while data[at] & 0x80:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return number | data[at] << shift, at + 1
