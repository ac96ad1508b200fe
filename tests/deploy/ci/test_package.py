"""The wheel and the sdist are built, and each is tried where nothing else is installed."""

import shutil
import sysconfig
import zipfile
from pathlib import Path

import pytest

from deploy.ci.answers import Answers, Question, read_answers
from deploy.ci.errors import PipelineError, UsageError
from deploy.ci.package import ROOT, Trial, check_tag, try_out, version
from tests.deploy.ci.verbs import ci, refused

pytestmark = pytest.mark.slow

SITE = Path(sysconfig.get_path("purelib"))
"""What the tests run with: packages are borrowed of it, so that no network is needed."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, bundle_path: Path) -> list[Path]:
    """Both, as the verb builds and tries them with a bundle."""
    out = tmp_path_factory.mktemp("built") / "dist"
    done = ci("package", "--out", out, "--borrow", SITE, "--bundle", bundle_path, seconds=600)
    assert done.status == 0, done
    assert done.said.count("probabilities as known") == 2
    return [Path(line) for line in done.out.splitlines()]


@pytest.fixture(scope="module")
def wheel(packages: list[Path]) -> Path:
    """The wheel."""
    (found,) = [path for path in packages if path.suffix == ".whl"]
    return found


def test_there_are_a_wheel_and_an_sdist(packages: list[Path]) -> None:
    names = {path.name for path in packages}
    assert names == {f"clickthrough-{version()}{end}" for end in ("-py3-none-any.whl", ".tar.gz")}


def _changed(
    wheel: Path, folder: Path, part: str = "none", old: str = "", new: str = "", *more: str
) -> Path:
    """Return a copy of a wheel in which a file says something else, with more files."""
    target = folder / wheel.name
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith(part):
                assert old.encode() in data
                data = data.replace(old.encode(), new.encode(), 1)
            if not name.endswith("RECORD"):
                made.writestr(name, data)
        for name in more:
            made.writestr(name, "")
        made.writestr(f"clickthrough-{version()}.dist-info/RECORD", "")
    return target


@pytest.mark.parametrize(
    ("part", "old", "new", "told"),
    [
        ("_version.py", f'"{version()}"', '"9.9.9"', "is version 9.9.9"),
        ("cli/entry.py", "def main(", "def no_main(", "clickthrough"),
        ("/__init__.py", '"""', 'raise SystemExit("broken")\n"""', "broken"),
    ],
)
def test_a_wheel_that_does_not_work_is_not_taken(
    part: str, old: str, new: str, told: str, wheel: Path, tmp_path: Path
) -> None:
    changed = _changed(wheel, tmp_path, part, old, new)
    with pytest.raises(PipelineError, match=told):
        try_out(changed, Trial(borrowed=SITE))


def test_one_that_brings_torch_is_not_taken(wheel: Path, tmp_path: Path) -> None:
    changed = _changed(wheel, tmp_path, "none", "", "", "torch.py")
    with pytest.raises(PipelineError, match="brings torch, which serving does without"):
        try_out(changed, Trial(borrowed=SITE))


def test_one_that_scores_otherwise_is_not_taken(
    wheel: Path, bundle_path: Path, answers_file: Path, tmp_path: Path
) -> None:
    known = read_answers(answers_file)
    off = [
        Question(q.path, q.body, [value + 0.01 for value in q.probabilities])
        for q in known.questions
    ]
    trial = Trial(borrowed=SITE, bundle=bundle_path, answers=Answers(known.version, off))
    with pytest.raises(PipelineError, match="clickthrough predict, row 0"):
        try_out(wheel, trial)


def test_what_is_imported_is_what_was_installed(wheel: Path, tmp_path: Path) -> None:
    # a checkout that lies among the packages would be taken for it
    site = tmp_path / "site"
    site.mkdir()
    for path in SITE.iterdir():
        (site / path.name).symlink_to(path)
    shutil.copytree(ROOT / "clickthrough", site / "clickthrough")
    shadow = site / "sitecustomize.py"
    shadow.write_text(f"import sys; sys.path.insert(0, {str(site)!r})")
    with pytest.raises(PipelineError, match="what is imported lies elsewhere"):
        try_out(wheel, Trial(borrowed=site))


def test_a_place_that_is_taken_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    assert "is not empty" in refused("package", "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_tag_is_that_of_the_code() -> None:
    assert check_tag(f"v{version()}") == version()
    for tag in (version(), "v9.9.9", "", f"v{version()}\n"):
        with pytest.raises(UsageError, match="whose tag is v"):
            check_tag(tag)
    assert ci("version", "--tag", f"v{version()}").out == f"{version()}\n"
    assert "tag v9: the code is version" in refused("version", "--tag", "v9")


@pytest.mark.stack
def test_serving_installs_without_torch_from_the_lock(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    done = ci("package", "--out", out, "--lock", ROOT / "requirements.lock", seconds=600)
    assert done.status == 0, done
    assert done.said.count("installed alone") == 2
