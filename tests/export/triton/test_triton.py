"""The model repository: its configurations, and how the Python model answers callers."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from clickthrough.export.triton.config import WARM
from clickthrough.export.triton.pbtxt import Enum, pbtxt
from tests.export.asking import MEMORY, triton_model
from tests.export.triton import stub
from tests.serving.bundles import another, for_openvino

TYPES = {"TYPE_INT32": onnx.TensorProto.INT32, "TYPE_FP32": onnx.TensorProto.FLOAT,
         "TYPE_FP64": onnx.TensorProto.DOUBLE}  # fmt: skip
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]|[\w.+-]+')


def parsed(text: str) -> dict[str, list[Any]]:
    """Read the text form of a protocol buffer, every field as a list."""
    tokens = iter(TOKEN.findall(text))

    def message() -> dict[str, list[Any]]:
        made: dict[str, list[Any]] = {}
        for name in tokens:
            if name == "}":
                break
            value = next(tokens)
            one = message() if value == "{" else json.loads(value) if value[0] == '"' else value
            made.setdefault(name, []).append(one)
        return made

    return message()


@pytest.fixture(scope="module")
def repository(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("triton") / "out"
    export_bundle(bundle, HOMES["triton"], folder)
    return folder


@pytest.fixture(scope="module")
def model(repository: Path) -> Iterator[Any]:
    made = triton_model(repository, MEMORY)
    yield made
    made.finalize()


def test_both_models_are_configured_for_their_directories(repository: Path, bundle: Bundle) -> None:
    most = str(bundle.config.serving.max_impressions)
    for folder in sorted((repository / "models").iterdir()):
        found = parsed((folder / "config.pbtxt").read_text())
        assert found["name"] == [folder.name]
        assert found["max_batch_size"] == [most]
        assert found["dynamic_batching"]
        assert found["model_warmup"]
        assert (folder / "1").is_dir()


def test_the_configuration_of_the_graph_is_that_of_the_graph(repository: Path) -> None:
    folder = repository / "models" / "ctr_encoded"
    found = parsed((folder / "config.pbtxt").read_text())
    graph = onnx.load(folder / "1" / "model.onnx").graph
    for kind, entries in (("input", graph.input), ("output", graph.output)):
        said = {
            o["name"][0]: (TYPES[o["data_type"][0]], [*map(int, o["dims"])]) for o in found[kind]
        }
        tensors = {entry.name: entry.type.tensor_type for entry in entries}
        assert said == {
            name: (t.elem_type, [part.dim_value for part in t.shape.dim[1:]])
            for name, t in tensors.items()
        }
        assert all(t.shape.dim[0].dim_param for t in tensors.values())
    fed = {entry["key"][0] for warm in found["model_warmup"] for entry in warm["inputs"]}
    assert fed == {entry.name for entry in graph.input}


def test_the_warm_up_of_raw_fields_is_an_element_of_its_tensor(repository: Path) -> None:
    content = (repository / "models" / "ctr" / "warmup" / WARM).read_bytes()
    assert content == b"\x02\x00\x00\x00{}"


def test_what_is_wrong_with_one_caller_is_that_callers_answer(model: Any) -> None:  # noqa: ANN401
    good, most = [b'{"ad": 101}', b'{"ad": 102}'], 100_000
    bad = {
        b"[1]": "row 0: expected an object",
        b"": "row 0: JSON decode error",
        b'{"ad": "\xff"}': "UTF-8",
        b'{"ad": "many words"}': "row 0",
        b'{"ad": "' + b"x" * most + b'"}': "at most 100000",
    }
    requests = [stub.texts(good), *(stub.texts([text]) for text in bad), stub.texts(good[:1])]
    first, *refused, last = model.execute(requests)
    assert (first.error, last.error) == (None, None)
    names = [tensor.name() for tensor in first.output_tensors]
    assert names == ["probability", "logit", "prediction"]
    assert all(tensor.as_numpy().shape == (2, 1) for tensor in first.output_tensors)
    told = json.loads(first.output_tensors[2].as_numpy()[0, 0])
    assert told["probability"] == first.output_tensors[0].as_numpy()[0, 0]
    assert "platform" in told["missing"]
    for answer, says in zip(refused, bad.values(), strict=True):
        assert says in str(answer.error), answer.error
        assert answer.output_tensors == []


def test_callers_that_name_one_request_do_not_meet(model: Any) -> None:  # noqa: ANN401
    rows = [json.dumps({"display_id": 5, "ad": 100 + n, "price": n}).encode() for n in range(3)]
    alone = [model.execute([stub.texts([row])])[0] for row in rows]
    beside = model.execute([stub.texts([row]) for row in rows])
    (together,) = model.execute([stub.texts(rows)])
    one, other, joined = (
        [tensor.as_numpy().tolist() for answer in said for tensor in answer.output_tensors[:1]]
        for said in (alone, beside, [together])
    )
    assert one == other
    assert [probability for own in one for probability in own] != joined[0]


def test_text_is_quoted_as_protocol_buffers_want_it() -> None:
    made = pbtxt({"a": 'x"\\\n', "b": [1, 2], "c": {"d": True}, "e": Enum("KIND_CPU"), "f": 0.5})
    assert made == 'a: "x\\"\\\\\\n"\nb: 1\nb: 2\nc {\n  d: true\n}\ne: KIND_CPU\nf: 0.5\n'


def test_no_other_runtime_is_needed_than_is_installed(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = another(bundle.path, tmp_path / "models", for_openvino)
    export_bundle(load_bundle(asks), HOMES["triton"], tmp_path / "out")
    monkeypatch.setitem(sys.modules, "clickthrough.bundle.openvino_runtime", None)
    triton_model(tmp_path / "out", MEMORY).finalize()
