"""Settings: bundle < file < environment < flag, resolved in one place and shown."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from clickthrough.cli import app
from clickthrough.config.base import sentences
from clickthrough.config.serving import LIMITS, Serving
from clickthrough.errors import ConfigError
from clickthrough.serving.app import create_app
from clickthrough.serving.settings import Overrides

BUNDLE = Serving(max_wait_ms=1, max_impressions=1, max_in_flight=1, most_keys=1)


def test_whoever_comes_later_goes_before(tmp_path: Path) -> None:
    file = tmp_path / "serving.yaml"
    file.write_text("max_impressions: 2\nmax_in_flight: 2\nmost_keys: 2\nforget_after: 7d\n")
    env = {"CTR_CONFIG": str(file), "CTR_MAX_IN_FLIGHT": "3", "CTR_MOST_KEYS": "3"}
    said = Overrides.read(["most_keys=4"], environment=env)
    found = said.over(BUNDLE)
    assert (found.max_wait_ms, found.max_impressions, found.max_in_flight, found.most_keys) == (
        1, 2, 3, 4,
    )  # fmt: skip
    assert found.forget_after == 7 * 86_400
    assert said.sources()["max_in_flight"] == "CTR_MAX_IN_FLIGHT"
    assert said.sources()["most_keys"] == "--set most_keys"
    assert set(said.sources()) == {"max_impressions", "max_in_flight", "most_keys", "forget_after"}


@pytest.mark.parametrize(
    ("flags", "env", "file", "said"),
    [
        (["max_wait=1"], {}, "", "--set: unknown setting 'max_wait'; did you mean 'max_wait_ms'?"),
        (["max_wait_ms"], {}, "", "--set max_wait_ms: expected NAME=VALUE"),
        (["max_wait_ms=soon"], {}, "", "--set max_wait_ms: .*number.*'soon'"),
        ([], {"CTR_MAX_IN_FLIGHT": "0"}, "", "CTR_MAX_IN_FLIGHT: .*greater than or equal to 1"),
        ([], {"CTR_RUNTIME": "tensorflow"}, "", "CTR_RUNTIME: .*'openvino'.*'tensorflow'"),
        ([], {}, "max_wait: 1", "serving.yaml: unknown setting 'max_wait'; did you mean"),
        ([], {}, "lookup: {a.csv: ad}", "serving.yaml: 'lookup' says what a bundle holds"),
        (["lookup={}"], {}, "", "--set: 'lookup' says what a bundle holds"),
        ([], {}, "most_keys: [1]", "serving.yaml: most_keys: .*found \\[1\\]"),
        ([], {}, "- 1", "serving.yaml: expected settings by name"),
        ([], {}, "a: [", "serving.yaml: cannot be read as YAML"),
        ([], {"CTR_CONFIG": "absent.yaml"}, None, "absent.yaml: cannot be read"),
    ],
)
def test_a_wrong_setting_is_told_with_who_said_it(
    tmp_path: Path, flags: list[str], env: dict[str, str], file: str | None, said: str
) -> None:
    path = None
    if file is not None:
        path = tmp_path / "serving.yaml"
        path.write_text(file)
    with pytest.raises(ConfigError, match=said):
        Overrides.read(flags, path, env)


def test_the_service_obeys_and_shows_them(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTR_MAX_IMPRESSIONS", "2")
    with TestClient(create_app(bundle_path, "memory")) as client:
        assert client.post("/predict", json={"impressions": [{}] * 2}).status_code == 200
        assert client.post("/predict", json={"impressions": [{}] * 3}).status_code == 422
        model = client.get("/model").json()
    assert model["limits"]["max_impressions"] == 2
    assert model["limits_set_by"] == {"max_impressions": "CTR_MAX_IMPRESSIONS"}
    assert set(model["limits"]) == set(LIMITS)


def test_help_names_every_setting_with_its_default() -> None:
    shown = re.sub(r"\s+", " ", CliRunner().invoke(app, ["serve", "--help"]).output)
    assert "lookup" not in shown
    for name in LIMITS:
        field = Serving.model_fields[name]
        assert f"{name} (default {field.get_default()})" in shown
        assert " ".join(sentences(Serving)[name].split()[:3]) in shown
