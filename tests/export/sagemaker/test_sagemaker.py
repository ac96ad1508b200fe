"""The archive is a bundle, and the requests are such as AWS takes."""

import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from clickthrough import Predictor
from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config.serving import Serving
from clickthrough.errors import BundleError
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from clickthrough.serving.app import create_app
from clickthrough.serving.invocations import _read_lines
from tests.serving.bundles import another, for_openvino

REQUESTS = {
    "create-model": "CreateModel",
    "create-endpoint-config": "CreateEndpointConfig",
    "create-endpoint": "CreateEndpoint",
    "create-transform-job": "CreateTransformJob",
}
FILLED = {"<account-id>": "123456789012", "<your-region>": "eu-west-1", "<bucket>": "own",
          "<sagemaker-role>": "ctr"}  # fmt: skip


@pytest.fixture(scope="module")
def written(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sagemaker") / "out"
    export_bundle(bundle, HOMES["sagemaker"], folder)
    return folder


def test_the_archive_holds_the_bundle_for_whoever_reads(
    written: Path, bundle: Bundle, tmp_path: Path
) -> None:
    with tarfile.open(written / "model.tar.gz") as archive:
        entries = archive.getmembers()
        archive.extractall(tmp_path, filter="data")
    assert load_bundle(tmp_path).manifest == bundle.manifest
    assert {entry.mode for entry in entries} == {0o644, 0o755}
    assert {(entry.uid, entry.gid, entry.uname) for entry in entries} == {(0, 0, "")}


def patterns(shape: Any, value: Any) -> None:  # noqa: ANN401 - of botocore
    """Hold every text of a request against the pattern and the choices of its shape."""
    if shape.type_name == "structure":
        for name, own in value.items():
            patterns(shape.members[name], own)
    elif shape.type_name == "list":
        for own in value:
            patterns(shape.member, own)
    elif shape.type_name == "string":
        assert not shape.enum or value in shape.enum, value
        if pattern := shape.metadata.get("pattern"):
            assert re.fullmatch(pattern, value), (shape.name, value)
        assert len(value) <= shape.metadata.get("max", 1 << 20), value


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_one_that_aws_takes(name: str, written: Path) -> None:
    session = pytest.importorskip("botocore.session").get_session()
    from botocore.validate import ParamValidator

    text = (written / f"{name}.json").read_text()
    for blank, own in FILLED.items():
        text = text.replace(blank, own)
    assert "<" not in text
    shape = session.get_service_model("sagemaker").operation_model(REQUESTS[name]).input_shape
    assert not ParamValidator().validate(json.loads(text), shape).has_errors()
    patterns(shape, json.loads(text))


def test_the_requests_name_one_model_and_settings_that_there_are(written: Path) -> None:
    read = {name: json.loads((written / f"{name}.json").read_text()) for name in REQUESTS}
    model = read["create-model"]["ModelName"]
    (variant,) = read["create-endpoint-config"]["ProductionVariants"]
    assert {variant["ModelName"], read["create-transform-job"]["ModelName"]} == {model}
    assert read["create-endpoint"]["EndpointConfigName"] == read["create-endpoint-config"][
        "EndpointConfigName"
    ]  # fmt: skip
    said = read["create-transform-job"]["Environment"]
    fields = {name.removeprefix("CTR_").lower(): int(value) for name, value in said.items()}
    made = Serving.model_validate(fields)
    assert made.max_body_bytes >= read["create-transform-job"]["MaxPayloadInMB"] << 20


def test_as_many_rows_as_a_part_of_a_file_can_have_are_taken(written: Path, bundle: Bundle) -> None:
    job = json.loads((written / "create-transform-job.json").read_text())
    size, said = job["MaxPayloadInMB"] << 20, job["Environment"]
    part = b"{}\n" * (size // 3) + b"{}"[: size % 3 // 2 * 2]  # no impression is shorter
    assert part.count(b"{}") <= int(said["CTR_MAX_IMPRESSIONS"])
    predictor = Predictor.load(bundle.path)
    predictor.settings.__dict__["max_impressions"] = int(said["CTR_MAX_IMPRESSIONS"])
    assert len(_read_lines(part, predictor).rows) == part.count(b"{}") > 300_000
    predictor.close()


def test_the_image_needs_no_other_runtime_than_it_has(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = another(bundle.path, tmp_path / "models", for_openvino)
    export_bundle(load_bundle(asks), HOMES["sagemaker"], tmp_path / "out")
    with tarfile.open(tmp_path / "out" / "model.tar.gz") as archive:
        archive.extractall(tmp_path / "ml", filter="data")
    monkeypatch.setitem(sys.modules, "clickthrough.bundle.openvino_runtime", None)
    with pytest.raises(BundleError, match="the runtime 'openvino' needs"):
        create_app(tmp_path / "ml", "memory")
    said = json.loads((tmp_path / "out" / "create-model.json").read_text())
    monkeypatch.setenv("CTR_RUNTIME", said["PrimaryContainer"]["Environment"]["CTR_RUNTIME"])
    create_app(tmp_path / "ml", "memory")
