"""What ``model.py`` takes of ``triton_python_backend_utils``, in place of Triton."""

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Tensor:
    given: str
    values: NDArray[Any]

    def name(self) -> str:
        return self.given

    def as_numpy(self) -> NDArray[Any]:
        return self.values


class TritonError(Exception):
    INVALID_ARG = 3

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class InferenceResponse:
    output_tensors: list[Tensor] = field(default_factory=list)
    error: TritonError | None = None


Request = dict[str, Tensor]


def texts(rows: list[bytes]) -> Request:
    """Return a request as the backend hands it on: shape (rows, 1), objects that are bytes."""
    return {"impressions": Tensor("impressions", np.array(rows, np.object_).reshape(-1, 1))}


def module() -> ModuleType:
    """Return the module by the name that ``model.py`` imports."""
    made = ModuleType("triton_python_backend_utils")
    made.Tensor, made.TritonError = Tensor, TritonError  # type: ignore[attr-defined]
    made.InferenceResponse = InferenceResponse  # type: ignore[attr-defined]
    made.get_input_tensor_by_name = dict.get  # type: ignore[attr-defined]
    return made
