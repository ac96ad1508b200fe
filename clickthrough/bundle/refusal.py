"""Refusing a file of a bundle in one line that names it, whatever is wrong with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from clickthrough.errors import BundleError

T = TypeVar("T")

_LONGEST = 300


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Let whatever goes wrong with a file be a refusal of it.

    A file may hold anything, and what reads it may then fail in any way.

    Raises:
        BundleError: something went wrong.
    """
    try:
        yield
    except BundleError:
        raise
    except Exception as error:
        raise BundleError(f"{path}: cannot be loaded: {_in_one_line(error)}") from None


def read(path: Path, parse: Callable[[bytes], T]) -> T:
    """Return what a file holds.

    Raises:
        BundleError: it cannot be read.
    """
    with refusing(path):
        return parse(path.read_bytes())


def mapped(path: Path) -> NDArray[np.generic]:
    """Return the array of a ``.npy`` file by memory map.

    Raises:
        BundleError: it holds none.
    """
    with refusing(path):
        # unlike np.load, it takes nothing but arrays, and none of objects
        array: NDArray[np.generic] = np.lib.format.open_memmap(path, mode="r")
        return array


def _in_one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        text = f"{place}: {first['msg']}" if place else first["msg"]
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split())[:_LONGEST]
