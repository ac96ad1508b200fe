"""Whoever alters a file can seal the bundle anew: what makes no sense is refused all the same."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from clickthrough import Predictor
from clickthrough.bundle import Bundle, layout, load_bundle
from clickthrough.bundle.checks import check_vectors
from clickthrough.bundle.module import load_module
from clickthrough.bundle.weights import weights_of
from clickthrough.errors import BundleError
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.schema import MISSING_INT
from clickthrough.store import MemoryStore
from tests.logs import raw_rows
from tests.serving.bundles import edit_json, seal

KEYS, ENDS, VALUES = (f"counters/item.{part}.npy" for part in ("keys", "ends", "values"))
ITEM, PLATFORM = "cat_vocab/item.npy", "cat_vocab/platform.npy"


@pytest.fixture
def copy(bundle_path: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bundle_path, tmp_path / "copy")


def refusal(folder: Path) -> str:
    """Return why a bundle is refused, once it is sealed."""
    seal(folder)
    with pytest.raises(BundleError) as refused:
        load_bundle(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


Arrays = Callable[[NDArray[Any]], NDArray[Any]]


def swapped(array: NDArray[Any]) -> NDArray[Any]:
    made = array.copy()
    made[[3, 4]] = made[[4, 3]]
    return made


def doubled(array: NDArray[Any]) -> NDArray[Any]:
    made = array.copy()
    made[4] = made[3]
    return made


def longer(by: int) -> Arrays:
    """Let the last value end later, and nothing else."""

    def change(array: NDArray[Any]) -> NDArray[Any]:
        return np.append(array[:-1], array[-1] + by)

    return change


ARRAYS: list[tuple[str, Arrays, str]] = [
    (ENDS, swapped, "rise"),
    (ENDS, doubled, "rise"),
    (ENDS, lambda ends: ends - ends[0] - 1, "at"),
    (ENDS, longer(24), "ends at"),
    (ENDS, longer(-24), "ends at"),
    (ENDS, lambda ends: ends[:-1], "39 ends for 40 keys"),
    (ENDS, lambda ends: ends.astype(np.int32), "int32"),
    (ENDS, lambda ends: ends.astype(np.float64), "float64"),
    (ENDS, lambda ends: ends.astype(">i8"), ">i8"),
    (ENDS, lambda ends: ends[:, None], "shape"),
    (ENDS, lambda ends: ends + np.where(np.arange(len(ends)) == 2, 8, 0), "no state"),
    (ENDS, lambda ends: ends + np.where(np.arange(len(ends)) == 2, 1, 0), "no state"),
    (VALUES, lambda values: values[:-24], "ends at"),
    (VALUES, lambda values: np.append(values, values[:24]), "ends at"),
    (VALUES, lambda values: values.view(np.int8), "int8"),
    (VALUES, lambda values: values.view(np.float64), "float64"),
    (VALUES, lambda values: values[:0], "ends at"),
    (KEYS, swapped, "rise"),
    (KEYS, doubled, "rise"),
    (KEYS, lambda keys: keys.astype("S15"), "S15"),
    (KEYS, lambda keys: keys[:-1], "40 ends for 39 keys"),
    (KEYS, lambda keys: keys[:, None], "shape"),
    (ITEM, swapped, "rise"),
    (ITEM, doubled, "rise"),
    (ITEM, lambda values: np.insert(values[1:], 0, MISSING_INT), "missing"),
    (ITEM, lambda values: values.astype(np.float64), "float64"),
    (ITEM, lambda values: values.astype(np.bytes_), "S"),
    (ITEM, lambda values: values[None], "shape"),
    (PLATFORM, swapped, "rise"),
    (PLATFORM, lambda values: np.insert(values[1:], 0, b""), "missing"),
    (PLATFORM, lambda values: values.astype("S49"), "S49"),
    (PLATFORM, lambda values: values.astype(np.str_), "U"),
    (PLATFORM, lambda values: np.arange(len(values)), "int64"),
]


@pytest.mark.parametrize(("name", "change", "why"), ARRAYS)
def test_an_absurd_array_is_refused_by_its_file(
    copy: Path, name: str, change: Arrays, why: str
) -> None:
    array = np.load(copy / name)
    if change in {swapped, doubled} and name == PLATFORM:
        array = np.array([b"a", b"b", b"c", b"d", b"e"])
    np.save(copy / name, change(array))
    said = refusal(copy)
    at = ENDS if why.startswith(("ends at", "40 ends")) else name
    assert said.startswith(f"{copy / at}: ")
    assert why in said


def test_digests_that_differ_only_in_their_last_bytes_are_told_apart(copy: Path) -> None:
    """As texts, bytes that are 0 at the end would not count."""
    digests = np.frombuffer(b"".join(bytes([7] * 15 + [last]) for last in (0, 1, 255)), "S16")
    snapshot = Snapshot.of({b"a": b"\0" * 64, b"b": b"\0" * 64, b"c": b"\0" * 64})
    keys, ends, values = Snapshot.files(copy / layout.COUNTERS, "user+item")
    for path, array in ((ends, np.arange(1, 4) * 32), (values, snapshot.values[:96])):
        np.save(path, array)
    np.save(keys, digests)
    seal(copy)
    assert len(load_bundle(copy).snapshots["user+item"]) == 3
    np.save(keys, digests[[0, 2, 1]])
    assert refusal(copy).startswith(f"{keys}: ")


def scaled(**values: object) -> dict[str, object]:
    held = {"fill": 0.1, "low": -3.0, "high": 3.0, "mean": 0.2, "scale": 1.0, "indicator": True}
    return held | values


@pytest.mark.parametrize(
    "scaler",
    [
        scaled(scale=0.0), scaled(scale=-1.0), scaled(scale=float("nan")),
        scaled(mean=float("inf")), scaled(fill=float("nan")), scaled(fill="1"), scaled(fill=None),
        scaled(indicator=2), {}, [], None, 3,
        scaled(low=float("nan")), scaled(high=float("inf")), scaled(low=4.0), scaled(high=1e7),
        scaled(low=-1e300, high=1e300, scale=1e-300), scaled(fill=-1e9),
    ],
    ids=str,
)  # fmt: skip
def test_an_absurd_scaler_is_refused(copy: Path, scaler: object) -> None:
    path = copy / layout.SCALER
    columns = json.loads(path.read_bytes())["columns"]
    edit_json(path, {"columns": columns | {"price": scaler}})
    said = refusal(copy)
    assert said.startswith(f"{path}: ")
    assert "price" in said


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, float("nan"), float("inf"), None, "0.1", []])
def test_an_absurd_prior_is_refused(copy: Path, prior: object) -> None:
    edit_json(copy / layout.SCALER, {"prior": prior})
    assert refusal(copy).startswith(f"{copy / layout.SCALER}: ")


def test_scalers_of_other_columns_are_refused(copy: Path) -> None:
    path = copy / layout.SCALER
    columns = json.loads(path.read_bytes())["columns"]
    for other in ({k: v for k, v in columns.items() if k != "price"}, columns | {"x": scaled()}):
        edit_json(path, {"columns": other})
        assert refusal(copy).startswith(f"{path}: is not of these features: ")


def platt(slope: object, intercept: object) -> dict[str, object]:
    return {"method": "platt", "slope": slope, "intercept": intercept}


def sliced(by: str, column: int, id_: int, slope: float = 1.0) -> dict[str, object]:
    own = {"value": "x", "impressions": 9, "clicks": 3, "curve": platt(slope, 0.0)}
    return {"method": "sliced", "by": by, "column": column, "whole": platt(1.0, 0.0),
            "slices": {id_: own}}  # fmt: skip


@pytest.mark.parametrize(
    "calibrator",
    [
        platt(0.0, 0.1), platt(-1.0, 0.1), platt(float("nan"), 0.1), platt(1.0, float("nan")),
        platt(1.0, float("inf")), platt(1.0, 1e300), platt(1e308, 0.0), platt(9.2e306, 0.0),
        platt(None, 0.0),
        {"method": "temperature", "temperature": 0.0},
        {"method": "temperature", "temperature": 1e-320},
        {"method": "isotonic", "scores": [0.0, 0.0], "values": [0.0, 1.0], "slope": 1.0},
        {"method": "isotonic", "scores": [0.0, 1.0], "values": [1.0, 0.0], "slope": 1.0},
        {"method": "isotonic", "scores": [0.0, 1e308], "values": [-1e308, 1e308], "slope": 1.0},
        sliced("platform", 0, 2), sliced("item", 99, 2), sliced("item", 0, 42),
        sliced("item", 0, -1), sliced("item", 0, 2, slope=-1.0), sliced("item", -1, 2),
        {"method": "magic"}, {}, [], None,
    ],
    ids=str,
)  # fmt: skip
def test_an_absurd_calibrator_is_refused(copy: Path, calibrator: object) -> None:
    (copy / layout.CALIBRATOR).write_text(json.dumps(calibrator))
    assert refusal(copy).startswith(f"{copy / layout.CALIBRATOR}: ")


def test_a_calibrator_by_a_column_that_there_is_loads(copy: Path) -> None:
    (copy / layout.CALIBRATOR).write_text(json.dumps(sliced("item", 0, 2)))
    seal(copy)
    assert load_bundle(copy).calibrator.model_dump()["by"] == "item"


@pytest.mark.parametrize("name", [layout.CLASS_COUNTS, layout.CATEGORICAL, layout.NUMERIC])
def test_lists_of_other_columns_are_refused(copy: Path, name: str) -> None:
    good = json.loads((copy / name).read_bytes())
    if isinstance(good, dict):
        bad = [good | {"item": good["item"] + 1}, good | {"more": 3}, {}, list(good)]
    else:
        bad = [good[::-1], good[:-1], [*good, "more"], [], dict.fromkeys(good, 1)]
    for other in bad:
        (copy / name).write_text(json.dumps(other))
        assert refusal(copy).startswith(f"{copy / name}: ")


def test_a_vocabulary_of_another_size_is_refused(copy: Path) -> None:
    np.save(copy / ITEM, np.load(copy / ITEM)[:-1])
    assert "holds 'item': 42, expected 'item': 41" in refusal(copy)


@pytest.mark.parametrize(
    "vectors",
    [np.ones((2, 16), np.float64), np.ones(2, np.float32), np.ones((3, 16), np.float32),
     np.full((2, 16), 1.5, np.float32), np.full((2, 16), np.nan, np.float32)],
)  # fmt: skip
def test_vectors_that_say_nothing_of_users_are_refused(
    vectors: NDArray[Any], tmp_path: Path
) -> None:
    path = tmp_path / layout.KIN_VECTORS
    check_vectors(path, np.ones((2, 16), np.float32), 2)
    with pytest.raises(BundleError, match=path.name):
        check_vectors(path, vectors, 2)


def graph_with(change: Callable[[onnx.ModelProto], object], folder: Path) -> Path:
    path = folder / layout.ONNX
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    return path


def renamed_input(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        node.input[:] = ["wrong" if name == "numeric" else name for name in node.input]
    model.graph.input[1].name = "wrong"


def renamed_output(model: onnx.ModelProto) -> None:
    name = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["wrong" if one == name else one for one in node.output]
        node.input[:] = ["wrong" if one == name else one for one in node.input]
    model.graph.output[0].name = "wrong"


def wider_input(model: onnx.ModelProto) -> None:
    model.graph.input[1].type.tensor_type.shape.dim[1].dim_value += 1


def table(model: onnx.ModelProto) -> onnx.TensorProto:
    found: onnx.TensorProto
    (found,) = (t for t in model.graph.initializer if "table" in t.name)
    return found


def shorter_table(model: onnx.ModelProto) -> None:
    tensor = table(model)
    array = onnx.numpy_helper.to_array(tensor)
    tensor.CopyFrom(onnx.numpy_helper.from_array(array[:-1], tensor.name))


def weight(value: float) -> Callable[[onnx.ModelProto], None]:
    """Set a weight of an id that is neither the first nor the last of its column."""

    def change(model: onnx.ModelProto) -> None:
        tensor = table(model)
        array = onnx.numpy_helper.to_array(tensor).copy()
        array[7, 2] = value
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))

    return change


def outside(model: onnx.ModelProto) -> None:
    tensor = table(model)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "../secret"), ("length", "8")):
        tensor.external_data.add(key=key, value=value)


def looping(model: onnx.ModelProto) -> None:
    """Add a loop that would go round for ever, if anybody ran it."""
    helper = onnx.helper
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["still"])],
        "body",
        [
            helper.make_tensor_value_info("round", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("going", onnx.TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("still", onnx.TensorProto.BOOL, [])],
    )
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.array(2**62, np.int64), "rounds")
    )
    model.graph.node.append(helper.make_node("Loop", ["rounds", ""], [], body=body))


def function(model: onnx.ModelProto) -> None:
    opsets = [onnx.helper.make_opsetid("", 18)]
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(onnx.helper.make_function("own", "F", ["x"], ["y"], [node], opsets))


def sparse(model: onnx.ModelProto) -> None:
    values = onnx.numpy_helper.from_array(np.array([np.nan], np.float32), "sparse")
    places = onnx.numpy_helper.from_array(np.array([1], np.int64))
    model.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, places, [9]))


def constants(model: onnx.ModelProto) -> None:
    """Hold weights in a node, as numbers and as a tensor of several."""
    node = onnx.helper.make_node("Constant", [], ["own"], value_floats=[0.0, float("nan")])
    model.graph.node.insert(0, node)


@pytest.mark.parametrize(
    "change",
    [
        looping, function, sparse, constants,
        renamed_input, renamed_output, wider_input, shorter_table, outside,
        weight(float("nan")), weight(float("inf")), weight(-float("inf")), weight(1e30),
    ],
)  # fmt: skip
def test_a_graph_that_scores_something_else_is_refused(
    copy: Path, change: Callable[[onnx.ModelProto], object], capfd: pytest.CaptureFixture[str]
) -> None:
    path = graph_with(change, copy)
    assert refusal(copy).startswith(f"{path}: ")
    assert capfd.readouterr() == ("", "")


def test_weights_beside_a_graph_are_looked_at_too(copy: Path, bundle: Bundle) -> None:
    path, name = copy / layout.ONNX, f"{layout.ONNX}.data"
    for value in (0.1, float("nan")):
        model = onnx.load(path)
        weight(value)(model)
        (copy / name).unlink(missing_ok=True)
        onnx.save(model, path, save_as_external_data=True, location=name)
        assert (copy / name).stat().st_size > 1_000
        seal(copy)
        if value == 0.1:
            assert load_bundle(copy).manifest.files.keys() == {*bundle.manifest.files, name}
    assert "weights" in refusal(copy)


def test_weights_outside_a_bundle_are_not_read(copy: Path) -> None:
    path = graph_with(outside, copy)
    (copy.parent / "secret").write_bytes(bytes(8))
    with pytest.raises(ValueError, match=r"no weights at \.\./secret"):
        list(weights_of(path))


@pytest.mark.parametrize("change", ["empty", "half", "shape", "missing", "nan"])
def test_weights_that_cannot_be_gone_on_from_are_refused(copy: Path, change: str) -> None:
    path = copy / layout.WEIGHTS
    weights, data = load_file(path), path.read_bytes()
    name = next(name for name in weights if "table" in name)
    if change in {"empty", "half"}:
        path.write_bytes(data[: len(data) // 2] if change == "half" else b"")
    else:
        changed = {"shape": weights[name][:-1], "nan": weights[name] * float("nan")}
        save_file({k: v for k, v in weights.items() if k != name} | (
            {name: changed[change].contiguous()} if change in changed else {}
        ), path)  # fmt: skip
    seal(copy)
    with pytest.raises(BundleError, match=r"ctr_model\.safetensors: ") as refused:
        load_module(load_bundle(copy))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "null", "3", "[]", "{}", '"x"', "[" * 10**5, "NaN", "\0"])
def test_json_of_another_form_is_refused_by_its_file(copy: Path, text: str) -> None:
    for path in [path for path in copy.glob("*.json") if path.name != layout.MANIFEST]:
        if path.name == layout.METRICS and text == "{}":
            continue
        good = path.read_bytes()
        path.write_text(text)
        assert refusal(copy).startswith(f"{path}: "), path
        path.write_bytes(good)


@pytest.mark.parametrize("until", ["", "soon", "2024-13-01", "\0"])
def test_a_manifest_of_no_moment_is_refused(copy: Path, until: str) -> None:
    edit_json(copy / layout.MANIFEST, {"counters_until": until})
    with pytest.raises(BundleError, match=r"manifest\.json: "):
        load_bundle(copy)


def broken(good: bytes, chance: random.Random) -> bytes:
    """Return a file with some bytes changed, or its beginning."""
    data, way = bytearray(good), chance.randrange(4)
    if way == 0:
        return bytes(data[: chance.randrange(len(data))])
    for _ in range(way):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_whatever_a_file_holds_a_bundle_is_refused_or_scores(
    copy: Path, bundle: Bundle, log: pl.DataFrame
) -> None:
    chance = random.Random(5)  # noqa: S311
    rows = raw_rows(log.tail(30))
    outcomes = {"refused": 0, "scored": 0}
    for name in bundle.manifest.files:
        path = copy / name
        good = path.read_bytes()
        for _ in range(24 if name == layout.ONNX else 6):
            path.write_bytes(broken(good, chance))
            seal(copy)
            try:
                loaded = load_bundle(copy)
            except BundleError as error:
                assert str(error).startswith(f"{copy}"), name
                assert "\n" not in str(error)
                outcomes["refused"] += 1
                continue
            found = Predictor(loaded, MemoryStore()).predict(rows).predictions
            assert all(0 < one.probability < 1 for one in found), name
            outcomes["scored"] += 1
        path.write_bytes(good)
    assert min(outcomes.values()) > 20
