"""What stands beside an export can be done: its examples are answered, whatever a log has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clickthrough import Predictor
from clickthrough.bundle import Bundle
from clickthrough.config.load import parse_config
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from clickthrough.serving.csv_rows import field_names
from tests.export.made import train_bundle
from tests.logs import make_values


@pytest.fixture(scope="module")
def itemless(log_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Of a log without items, one of whose columns has a name that needs care in a shell."""
    folder = tmp_path_factory.mktemp("itemless")
    log = (log_folder / "log.csv").read_text().replace(",price,", ',the seller\'s "price",', 1)
    (folder / "log.csv").write_text(log)
    values = make_values(folder, epochs=1)
    del values["data"]["roles"]["item"], values["data"]["joins"]
    values["features"] = [
        {"kind": "categorical", "fields": ["platform", "user"]},
        {"kind": "numeric", "fields": 'the seller\'s "price"'},
    ]
    return train_bundle(parse_config(values, "test"), folder)


@pytest.fixture(scope="module", params=["plain", "itemless"])
def made(request: pytest.FixtureRequest) -> Bundle:
    own: Bundle = request.getfixturevalue("bundle" if request.param == "plain" else request.param)
    return own


@pytest.fixture(scope="module")
def predictor(made: Bundle) -> Iterator[Predictor]:
    own = Predictor.load(made.path)
    yield own
    own.close()


def readme(home: str, bundle: Bundle, folder: Path) -> str:
    export_bundle(bundle, HOMES[home], folder / "out")
    return (folder / "out" / "README.md").read_text()


def body(text: str, option: str) -> Any:  # noqa: ANN401 - JSON
    """Return what a shell hands on as an argument."""
    (found,) = re.findall(rf"{option} '([^']*)'(?=\s)", text)
    return json.loads(found)


@pytest.mark.parametrize("home", HOMES)
def test_no_blank_is_left_to_fill_but_the_owners(home: str, made: Bundle, tmp_path: Path) -> None:
    text = readme(home, made, tmp_path)
    assert "$" not in text.replace('"$PWD', "")
    assert made.manifest.version in text
    assert f"`{made.schema.input_name(made.plan.fields[0])}`" in text


@pytest.mark.parametrize(("home", "option"), [("sagemaker", "--body"), ("torchserve", "-d")])
def test_a_body_that_is_shown_is_answered(
    home: str, option: str, made: Bundle, predictor: Predictor, tmp_path: Path
) -> None:
    _is_answered(body(readme(home, made, tmp_path), option)["impressions"], predictor)


def _is_answered(rows: list[dict[str, Any]], predictor: Predictor) -> None:
    """Each field that is shown is one that the model reads, and holds what it can hold."""
    said = predictor.predict(rows)
    assert said.ignored == []
    for row, one in zip(rows, said.predictions, strict=True):
        assert set(row) <= set(field_names(predictor.bundle))
        assert row
        assert not set(row) & set(one.missing)


def test_the_tensor_that_is_shown_is_answered(
    made: Bundle, predictor: Predictor, tmp_path: Path
) -> None:
    (tensor,) = body(readme("triton", made, tmp_path), "-d")["inputs"]
    assert tensor["shape"] == [len(tensor["data"]), 1]
    _is_answered([*map(json.loads, tensor["data"])], predictor)


def test_the_program_that_is_shown_runs(
    made: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = readme("onnx", made, tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "out" / "models").symlink_to(made.path)
    monkeypatch.chdir(tmp_path / "out")
    found: dict[str, Any] = {}
    exec(program, found)  # noqa: S102 - of our own
    assert 0 < found["probability"][0, 0] < 1


@pytest.mark.parametrize("home", ["triton", "torchserve"])
def test_what_an_export_needs_is_installed(home: str, made: Bundle, tmp_path: Path) -> None:
    text = readme(home, made, tmp_path)
    beside = tmp_path / "out" / "Dockerfile"
    (line,) = re.findall(r"pip install .*", beside.read_text() if beside.exists() else text)
    assert "redis://" in text
    assert "[redis]'" in line
    assert ("torch " in line) == (home == "torchserve")  # which TorchServe does not bring
