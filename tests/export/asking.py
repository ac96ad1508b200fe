"""How each home is asked: rows of raw fields as JSON has them, to probabilities."""

import asyncio
import csv
import importlib.util
import io
import json
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI
from numpy.typing import NDArray

from clickthrough import Predictor
from clickthrough.bundle import Bundle
from clickthrough.config.data import TabularData
from clickthrough.export.classic import inference
from clickthrough.export.classic.example import make_example
from clickthrough.serving.app import create_app
from clickthrough.store.base import Layered
from tests.export.triton import stub
from tests.serving.asking import Caller

Rows = list[dict[str, Any]]
Floats = NDArray[np.float64]
Ask = Callable[[Rows], Floats]


def list_separators(bundle: Bundle) -> dict[str, str]:
    """Return how the log of a bundle divides its lists."""
    assert isinstance(bundle.config.data, TabularData)
    return {name: form.separator for name, form in bundle.config.data.lists.items()}


def loaded(path: Path) -> ModuleType:
    """Return a file of an export as a module."""
    spec = importlib.util.spec_from_file_location(f"of_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def graph(path: Path, predictor: Predictor) -> Ask:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    wanted = {entry.name for entry in session.get_inputs()}

    def ask(rows: Rows) -> Floats:
        fed = {name: a for name, a in predictor.encode(rows).items() if name in wanted}
        made: Floats = session.run(["probability"], fed)[0]
        assert made.shape == (len(rows), 1)
        return made[:, 0]

    return ask


def onnx(folder: Path, predictor: Predictor, _: Path) -> Ask:
    return graph(folder / "model.onnx", predictor)


def triton_encoded(folder: Path, predictor: Predictor, _: Path) -> Ask:
    return graph(folder / "models" / "ctr_encoded" / "1" / "model.onnx", predictor)


def triton_model(folder: Path, config: dict[str, Any]) -> Any:  # noqa: ANN401 - of a file
    """Return the model of the Python backend, initialized as Triton does it."""
    sys.modules["triton_python_backend_utils"] = stub.module()
    try:
        made = loaded(folder / "models" / "ctr" / "1" / "model.py").TritonPythonModel()
    finally:
        del sys.modules["triton_python_backend_utils"]
    place = {"model_repository": str(folder / "models" / "ctr"), "model_version": "1"}
    made.initialize({**place, "model_config": json.dumps(config)})
    return made


MEMORY = {"parameters": {"store": {"string_value": "memory"}}}


def triton(folder: Path, _: Predictor, __: Path) -> Ask:
    model = triton_model(folder, MEMORY)

    def ask(rows: Rows) -> Floats:
        request = stub.texts([json.dumps(row).encode() for row in rows])
        (answer,) = model.execute([request])
        assert answer.error is None
        named = {tensor.name(): tensor.as_numpy() for tensor in answer.output_tensors}
        made: Floats = named["probability"][:, 0]
        return made

    return ask


def _unpacked(folder: Path, place: Path) -> Path:
    with tarfile.open(folder / "model.tar.gz") as archive:
        archive.extractall(place / "model", filter="data")
    return place / "model"


def _post(app: FastAPI, path: str, body: bytes, kind: str) -> bytes:
    one = Caller(path, body, sent=[(b"content-type", kind.encode())])
    asyncio.run(one.ask(app))
    assert one.status == 200, one.answer
    return one.answer


def sagemaker_json(folder: Path, _: Predictor, place: Path) -> Ask:
    app = create_app(_unpacked(folder, place), "memory")

    def ask(rows: Rows) -> Floats:
        body = json.dumps({"impressions": rows}).encode()
        answer = json.loads(_post(app, "/invocations", body, "application/json"))
        return np.array([one["probability"] for one in answer["predictions"]])

    return ask


def sagemaker_lines(folder: Path, _: Predictor, place: Path) -> Ask:
    app = create_app(_unpacked(folder, place), "memory")

    def ask(rows: Rows) -> Floats:
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        lines = _post(app, "/invocations", body, "application/jsonlines").splitlines()
        return np.array([json.loads(line)["probability"] for line in lines])

    return ask


def joined(row: dict[str, Any], separators: dict[str, str]) -> dict[str, Any]:
    """Return a row with its lists as a CSV has them."""
    texts = {n: ["" if e is None else str(e) for e in row.get(n) or []] for n in separators}
    return row | {name: separators[name].join(entries) for name, entries in texts.items()}


def sagemaker_csv(folder: Path, predictor: Predictor, place: Path) -> Ask:
    app = create_app(_unpacked(folder, place), "memory")
    separators = list_separators(predictor.bundle)

    def ask(rows: Rows) -> Floats:
        table = io.StringIO()
        rows = [joined(row, separators) for row in rows]
        lines = csv.DictWriter(table, sorted({name for row in rows for name in row}))
        lines.writeheader()
        lines.writerows(rows)
        answer = _post(app, "/invocations", table.getvalue().encode(), "text/csv").decode()
        return np.array([float(line) for line in answer.splitlines()])

    return ask


def torchserve_handler(folder: Path, place: Path) -> Any:  # noqa: ANN401 - of a file
    """Return the handler of an archive, initialized as TorchServe does it."""
    with zipfile.ZipFile(folder / "model-store" / "ctr.mar") as archive:
        archive.extractall(place / "mar")  # noqa: S202 - just written
    made = loaded(place / "mar" / "handler.py").ClickHandler()
    made.initialize(SimpleNamespace(system_properties={"model_dir": str(place / "mar")}))
    return made


def torchserve(folder: Path, _: Predictor, place: Path) -> Ask:
    handler = torchserve_handler(folder, place)

    def ask(rows: Rows) -> Floats:
        (answer,) = handler.handle([{"body": {"impressions": rows}}], None)
        return np.array([one["probability"] for one in answer["predictions"]])

    return ask


def classic(folder: Path, predictor: Predictor, _: Path) -> Ask:
    """Of features, which the scorer makes: the layout has no store and no raw fields."""
    files, scorer = inference.load_files(folder), predictor.scorer

    def ask(rows: Rows) -> Floats:
        parsed = scorer.parser.parse(rows, time.time_ns() // 1_000)
        history, _ = scorer._encode(Layered(predictor.store), parsed)
        plan, schema = predictor.bundle.plan, predictor.bundle.schema
        columns = {**parsed.columns(schema, plan.list_lengths, plan.fields), **history}
        whole = {n: np.broadcast_to(a, (len(parsed), *a.shape[1:])) for n, a in columns.items()}
        example = make_example(predictor.bundle, whole, parsed.offsets)
        found = inference.probabilities(json.loads(json.dumps(example.rows)), files)
        made: Floats = np.array(found)[np.array(parsed.row_of)]
        return made

    return ask


WAYS: dict[str, tuple[str, Callable[[Path, Predictor, Path], Ask]]] = {
    "classic": ("classic", classic),
    "onnx": ("onnx", onnx),
    "triton, raw fields": ("triton", triton),
    "triton, encoded inputs": ("triton", triton_encoded),
    "sagemaker, JSON": ("sagemaker", sagemaker_json),
    "sagemaker, JSON lines": ("sagemaker", sagemaker_lines),
    "sagemaker, CSV": ("sagemaker", sagemaker_csv),
    "torchserve": ("torchserve", torchserve),
}
"""Way -> its home, and what makes of an export what is asked."""
