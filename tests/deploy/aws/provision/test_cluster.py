"""kubectl and helm speak to the cluster that was made, whatever the caller's own speak to."""

from pathlib import Path

import pytest

from deploy.aws.provision.cluster import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A cluster whose programs only print their environment."""
    return Cluster("ads", "eu-central-1", tmp_path, lambda: {"AWS_ACCESS_KEY_ID": "a"})


def _program(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_nothing_of_the_callers_leads_elsewhere(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "kubectl", "env")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for name in ("KUBECONFIG", "KUBERC", "HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_DRIVER"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    told = dict(line.split("=", 1) for line in cluster.kubectl("get").splitlines())
    assert "elsewhere" not in told.values()
    assert told["KUBECONFIG"] == str(tmp_path / "kubeconfig")
    assert told["KUBERC"] == "off"
    assert told["AWS_ACCESS_KEY_ID"] == "a"  # who asks is who asked AWS
    assert told["HTTPS_PROXY"] == "http://proxy"


def test_deleting_asks_nobody(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A default of the caller's would make kubectl ask, and take the silence for a no."""
    _program(tmp_path, "kubectl", f'echo "$@" >> {tmp_path}/asked; echo \'{{"items": []}}\'')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    cluster.clear()
    lines = (tmp_path / "asked").read_text().splitlines()
    deleting = [line for line in lines if line.startswith("delete ")]
    assert deleting
    assert all("--interactive=false" in line for line in deleting)
