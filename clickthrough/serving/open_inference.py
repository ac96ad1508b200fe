"""``POST /v2/models/ctr/infer``: the Open Inference Protocol, version 2, in JSON.

KServe, Triton and their clients speak it: https://github.com/kserve/open-inference-protocol. An
impression has fields by name, some of them lists, which no tensor of numbers holds. So the one
input is a tensor of texts, each the JSON of an impression.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import UNSET

from clickthrough.errors import RequestError
from clickthrough.features.shown import shown
from clickthrough.serving.admission import Refused
from clickthrough.serving.answering import Answering, Impressions, encode
from clickthrough.serving.batcher import Gone
from clickthrough.serving.bodies import BodyReader, read_row
from clickthrough.serving.contract import (
    CountersMode,
    InferBody,
    Inferred,
    InferredTensor,
    InferTensor,
    Prediction,
)
from clickthrough.serving.faults import as_error
from clickthrough.serving.own_fields import Sample
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.routes import Form, OfVersion, Route
from clickthrough.serving.scorer import Scored

MODEL, PLATFORM = "ctr", "clickthrough"
STEM = f"/v2/models/{MODEL}"
PATH = f"{STEM}/infer"
INPUT = "impressions"
_BESIDE = 16
"""Objects of a body that are no rows: itself, its tensors, what is asked of them."""
_BINARY = (
    "binary tensors are not taken: send JSON (in tritonclient, set_data_from_numpy(..., "
    "binary_data=False))"
)
Data = Callable[[Sequence[Prediction]], Sequence[float | str]]
OUTPUTS: dict[str, tuple[str, Data]] = {
    "probability": ("FP64", lambda made: [one.probability for one in made]),
    "logit": ("FP64", lambda made: [one.logit for one in made]),
    "prediction": ("BYTES", lambda made: [encode(one).decode() for one in made]),
}
"""Name -> its type, and what makes it of predictions."""


class OpenInference:
    """The handlers of the route.

    Args:
        answering: scores what was read.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._whole = BodyReader(InferBody, _most_texts, INPUT, _BESIDE)

    def route(self, version: str | None = None) -> Route:
        """Return the route.

        Args:
            version: that is asked for; whatever serves where it is None.
        """
        handle = self.infer if version is None else partial(self.infer, version=version)
        return Route(
            PATH, "scoring", InferBody, (Inferred,), _example, handle,
            # its clients do not say what they send; no page of another site can do harm by that,
            # for the route only scores
            forms={"": Form(handle)},
            faults=as_error,
            unwanted={b"inference-header-content-length": _BINARY},
            of_version=OfVersion(f"{STEM}/versions/{{version}}/infer", self.route),
        )  # fmt: skip

    async def infer(self, body: bytes, gone: Gone, version: str | None = None) -> bytes:
        """Score impressions, as the Open Inference Protocol asks."""
        return await self._answering.answer(PATH, body, gone, partial(self._read, version=version))

    def _read(self, body: bytes, predictor: Predictor, *, version: str | None) -> Impressions:
        """Read the one tensor, and which outputs are asked for."""
        serves = predictor.scorer.version
        if version is not None and version != serves:
            raise Refused("version", no_version(version, serves), 404)
        asked = self._whole.read(body, predictor.settings.max_impressions)
        names = _wanted(asked)
        texts = _texts_of(asked)
        nesting = predictor.nesting
        rows = [read_row(text.encode(), place, nesting) for place, text in enumerate(texts)]
        return Impressions(rows, partial(_write, asked.id, names))


def _example(rows: Sample) -> dict[str, Any]:
    text = encode(rows.impression).decode()
    tensor = {"name": INPUT, "datatype": "BYTES", "shape": [1, 1], "data": [text]}
    return {"inputs": [tensor]}


def no_version(asked: str, serves: str) -> str:
    """Say that a version is not served, and which is."""
    return f"no version {shown(asked)} of the model '{MODEL}': there is '{serves}'"


def _most_texts(asked: InferBody) -> Sequence[object]:
    """Return the longest of the tensors."""
    every = [tensor.data for tensor in asked.inputs if tensor.data is not UNSET]
    return max(every, key=len, default=[])


def _texts_of(asked: InferBody) -> list[str]:
    """Return the elements of the one tensor.

    Raises:
        RequestError: there is another, or it is not what is expected.
    """
    if [tensor.name for tensor in asked.inputs] != [INPUT]:
        found = [tensor.name for tensor in asked.inputs]
        raise RequestError(f"inputs: expected one tensor, '{INPUT}', found {shown(found)}")
    (tensor,) = asked.inputs
    if "binary_data_size" in tensor.parameters:
        raise RequestError(_BINARY)
    if tensor.datatype != "BYTES":
        raise RequestError(f"{INPUT}: expected the datatype BYTES, found {shown(tensor.datatype)}")
    texts = _flat(tensor)
    if tensor.shape not in ([len(texts)], [len(texts), 1]):
        raise RequestError(
            f"{INPUT}: the shape is {shown(tensor.shape)}, but data has {len(texts)} elements: "
            f"expected [{len(texts)}, 1]"
        )
    return texts


def _flat(tensor: InferTensor) -> list[str]:
    """Return the elements of a tensor, which may be nested by its shape."""
    if tensor.data is UNSET:
        raise RequestError(f"{INPUT}: expected data, a list of JSON texts")
    texts: list[str] = []
    for place, element in enumerate(tensor.data):
        if isinstance(element, str):
            texts.append(element)
        elif len(element) == 1:
            texts += element
        else:
            raise RequestError(f"row {place}: {len(element)} elements, expected one JSON text")
    return texts


def _wanted(asked: InferBody) -> list[str]:
    """Return the outputs that are asked for; all where none is named.

    Raises:
        RequestError: one is not known, or named twice.
    """
    names = [output.name for output in asked.outputs or ()]
    for name in names:
        if name not in OUTPUTS:
            known = ", ".join(OUTPUTS)
            raise RequestError(f"outputs: no output {shown(name)}: there are {known}")
    if len(set(names)) < len(names):
        raise RequestError("outputs: an output is named twice")
    return names or [*OUTPUTS]


def _write(
    asked: str | None,
    names: Sequence[str],
    predictor: Predictor,
    scored: Scored,
    mode: CountersMode,
) -> bytes:
    shape, told = [len(scored.predictions), 1], {"counters": str(mode)}
    if scored.ignored:
        told["ignored"] = ", ".join(scored.ignored)
    outputs = []
    for name in names:
        datatype, data = OUTPUTS[name]
        outputs.append(InferredTensor(name, datatype, shape, data(scored.predictions)))
    return encode(Inferred(MODEL, predictor.scorer.version, outputs, asked, told))
