"""The archive for TorchServe, and how its handler answers the callers of a batch."""

import inspect
import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from clickthrough.export.torchserve import handler
from clickthrough.export.torchserve.write import largest_answer
from tests.export.asking import torchserve_handler
from tests.serving.bundles import another, for_openvino
from tests.serving.rich import Trained


class Context:
    """What the handler takes of TorchServe's context."""

    def __init__(self) -> None:
        self.told: dict[int, int] = {}

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        self.told[idx] = code


@pytest.fixture(scope="module")
def written(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torchserve") / "out"
    export_bundle(bundle, HOMES["torchserve"], folder)
    return folder


@pytest.fixture(scope="module")
def made(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    return torchserve_handler(written, tmp_path_factory.mktemp("archive"))


def test_the_archive_is_laid_out_as_the_archiver_does(written: Path, bundle: Bundle) -> None:
    with zipfile.ZipFile(written / "model-store" / "ctr.mar") as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("MAR-INF/MANIFEST.json"))
    assert manifest["runtime"] == "python"
    assert manifest["model"] == {
        "modelName": "ctr", "handler": "handler.py", "modelVersion": bundle.manifest.version,
    }  # fmt: skip
    files = {f"bundle/{name}" for name in [*bundle.manifest.files, "manifest.json"]}
    assert names == {"MAR-INF/MANIFEST.json", "handler.py", *files}


def test_the_handler_is_the_one_class_of_its_file() -> None:
    own = [c for _, c in inspect.getmembers(handler, inspect.isclass)]
    assert [c.__name__ for c in own if c.__module__ == handler.__name__] == ["ClickHandler"]


def properties(folder: Path) -> dict[str, str]:
    lines = (folder / "config.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_server_listens_on_this_machine_alone(written: Path) -> None:
    said = properties(written)
    addresses = {name: value for name, value in said.items() if name.endswith("_address")}
    assert len(addresses) == 3
    assert all(value.startswith("http://127.0.0.1:") for value in addresses.values())


def test_what_is_wrong_with_one_caller_is_that_callers_answer(made: Any) -> None:  # noqa: ANN401
    good = {"impressions": [{"ad": 101}]}
    bodies: list[Any] = [
        good,  # called JSON, and decoded by the server
        json.dumps(good).encode(),
        bytearray(json.dumps(good).encode()),
        json.dumps(good),  # called a text, and decoded by the server
        b"[",
        {"impressions": [1]},
        {"impressions": [{"ad": "many words"}]},
        {"impressions": [{}] * 51},
        {"impressions": [{"uuid": "\ud800"}]},
        b" " * 100_001,
        None,
    ]
    context = Context()
    answers = made.handle([{"body": body} for body in bodies[:-1]] + [{"data": None}], context)
    assert context.told == {4: 422, 5: 422, 6: 422, 7: 422, 8: 422, 9: 413, 10: 422}
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert 0 < answers[0]["predictions"][0]["probability"] < 1
    assert answers[0]["counters"] == "live"
    assert all(answer["detail"] for answer in answers[4:])
    json.dumps(answers)


def test_a_caller_may_ask_for_reasons_beside_others(made: Any) -> None:  # noqa: ANN401
    row = {"ad": 101, "uuid": "u1", "price": 1.5}
    bodies = [{"impressions": [row]}, {"impressions": [row], "explain": 2},
              {"impressions": [row] * 11, "explain": 1}]  # fmt: skip
    context = Context()
    plain, told, refused = made.handle([{"body": body} for body in bodies], context)
    (why,) = (one.pop("explanation") for one in told["predictions"])
    assert 1 <= len(why["reasons"]) <= 2
    assert told == plain
    assert context.told == {2: 422}
    assert "at most 10 (serving.max_explained)" in refused["detail"]


def test_bodies_come_as_they_were_sent(written: Path, made: Any) -> None:  # noqa: ANN401
    """Else 1e400 would come as an infinity, which is a missing value, and not as out of range."""
    assert properties(written)["decode_input_request"] == "false"
    context = Context()
    (answer,) = made.handle([{"body": b'{"impressions": [{"price": 1e400}]}'}], context)
    assert "out of range" in answer["detail"]
    assert context.told == {0: 422}


def test_the_largest_answer_that_there_can_be_is_sent(varied: Trained, tmp_path: Path) -> None:
    """Of as many rows as are taken, with the longest ids, every field of which is unseen."""
    bundle = varied.bundle
    export_bundle(bundle, HOMES["torchserve"], tmp_path / "out")
    handler, serving = torchserve_handler(tmp_path / "out", tmp_path), bundle.config.serving
    said = int(properties(tmp_path / "out")["max_response_size"])
    longest = "\1" * serving.max_id_bytes
    handler._predictor.settings.__dict__["max_body_bytes"] = 1_000_000
    row = {"display_id": longest, "uuid": longest, "é" * 9: 1}
    for rows in ([row] * serving.max_impressions, [{"uuid": "x"}] * serving.max_impressions):
        (answer,) = handler.handle([{"body": {"impressions": rows}}], None)
        assert len(answer["predictions"]) == serving.max_impressions
        assert len(json.dumps(answer, indent=2)) < said
    assert said < 20 * len(json.dumps(answer, indent=2))
    many = bundle.config.serving.model_copy(update={"max_impressions": 1 << 30})
    config = bundle.config.model_copy(update={"serving": many})
    assert largest_answer(replace(bundle, config=config)) == 2**31 - 1


def test_a_file_too_large_for_the_plain_form_of_archives_is_held(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1_000)  # in place of 2 GiB
    export_bundle(bundle, HOMES["torchserve"], tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "out" / "model-store" / "ctr.mar") as archive:
        assert max(entry.file_size for entry in archive.infolist()) > 1_000
        archive.extractall(tmp_path / "mar")
    assert load_bundle(tmp_path / "mar" / "bundle").manifest == bundle.manifest


def test_no_other_runtime_is_needed_than_is_installed(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = another(bundle.path, tmp_path / "models", for_openvino)
    export_bundle(load_bundle(asks), HOMES["torchserve"], tmp_path / "out")
    monkeypatch.setitem(sys.modules, "clickthrough.bundle.openvino_runtime", None)
    torchserve_handler(tmp_path / "out", tmp_path)
