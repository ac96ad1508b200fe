"""What adding a family takes, tried on a copy of the package: settings, a network, an entry."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import clickthrough
from clickthrough.config.model import settings_of

pytestmark = pytest.mark.slow

SETTINGS = '''
class Toy(TorchFamily):
    """One layer."""

    name: Literal["toy"] = "toy"
    size: Width = 8


TorchModel = (
    Toy
    |'''
NETWORK = '''
"""One layer (toy)."""

from torch import Tensor

from clickthrough.config.model import Toy
from clickthrough.models.net import Fed, Net, perceptron
from clickthrough.models.shape import InputShape


class ToyNet(Net):
    """z = w' MLP(x) of one layer."""

    def __init__(self, settings: Toy, shape: InputShape) -> None:
        super().__init__(shape)
        self.layers = perceptron(self.width, [settings.size], 0.1)
        self.widths = (settings.size,)

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        return [self.layers(fed.joined)]
'''
ENTRY = """from clickthrough.models.toy import ToyNet

NETS: dict[str, type[Any]] = {
    "toy": ToyNet,"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the command of a package that has one family more."""
    folder = tmp_path_factory.mktemp("copy")
    package = folder / "clickthrough"
    shutil.copytree(Path(clickthrough.__file__).parent, package)
    (package / "models" / "toy.py").write_text(NETWORK.lstrip())
    replaced(package / "config" / "model.py", "TorchModel = (", SETTINGS.lstrip())
    replaced(package / "models" / "registry.py", "NETS: dict[str, type[Any]] = {", ENTRY)

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "clickthrough", *words]
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
        )

    done = call("simulate", "log", "--kind", "plain", "--impressions", "1500")
    assert done.returncode == 0, done.stderr
    return call


def replaced(path: Path, before: str, after: str) -> None:
    """Replace a text that stands in a file once."""
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


def test_it_is_compared_as_an_ensemble_and_in_a_blend(run: Run) -> None:
    models = "toy[size=4, members=2, share=all], toy+lr"
    few = ("--set", "training.epochs=1", "--seeds", "1")
    done = run("compare", "log/config.yaml", "--models", models, "--out", "found", *few)
    assert done.returncode == 0, done.stderr
    assert "toy[size=4, members=2, share=all]" in done.stdout
    assert "toy+lr" in done.stdout


def test_it_is_trained_by_a_configuration_and_its_bundle_scores(run: Run) -> None:
    few = ("--set", "training.epochs=1", "--out", "bundle")
    done = run("train", "log/config.yaml", "--set", "model={name: toy, size: 4}", *few)
    assert done.returncode == 0, done.stderr
    done = run("predict", "bundle", "log/log.csv", "--out", "-")
    assert done.returncode == 0, done.stderr
    header, first, *_ = done.stdout.splitlines()
    assert 0 < float(dict(zip(header.split(","), first.split(","), strict=True))["probability"]) < 1


def test_its_settings_are_checked(run: Run) -> None:
    done = run("train", "log/config.yaml", "--set", "model={name: toy, sise: 4}")
    assert "unknown key 'sise'; did you mean 'size'" in done.stderr


def test_an_unregistered_family_is_named() -> None:
    with pytest.raises(KeyError, match="toy"):
        settings_of("toy")
