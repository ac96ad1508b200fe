"""The archive for TorchServe, and how its handler answers the callers of a batch."""

import inspect
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from clickthrough.bundle import Bundle
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from clickthrough.export.torchserve import handler
from tests.export.asking import torchserve_handler


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


def test_the_server_listens_on_this_machine_alone(written: Path) -> None:
    said = dict(
        line.split("=", 1) for line in (written / "config.properties").read_text().splitlines()
    )
    addresses = {name: value for name, value in said.items() if name.endswith("_address")}
    assert len(addresses) == 3
    assert all(value.startswith("http://127.0.0.1:") for value in addresses.values())


def test_what_is_wrong_with_one_caller_is_that_callers_answer(made: Any) -> None:  # noqa: ANN401
    good = {"impressions": [{"ad": 101}]}
    bodies: list[Any] = [
        good,  # called JSON, and decoded by the server
        json.dumps(good).encode(),
        bytearray(json.dumps(good).encode()),
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
    assert context.told == {3: 422, 4: 422, 5: 422, 6: 422, 7: 422, 8: 413, 9: 422}
    assert answers[0] == answers[1] == answers[2]
    assert 0 < answers[0]["predictions"][0]["probability"] < 1
    assert answers[0]["counters"] == "live"
    assert all(answer["detail"] for answer in answers[3:])
    json.dumps(answers)
