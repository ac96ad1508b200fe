"""Bundles go into the bucket when they are whole, and come back so."""

from pathlib import Path

import pytest

from tests.deploy.ci.verbs import ci, environment, program, refused

pytestmark = pytest.mark.slow

BUCKET = ("--bucket", "a-bucket", "--name", "first")
_PROGRAM = """
import fnmatch, shutil, sys
from pathlib import Path
root, words = Path(__file__).parent / "s3", sys.argv[1:]
def here(url):
    return root / url.removeprefix("s3://") if url.startswith("s3://") else Path(url)
if words[:2] == ["s3api", "list-objects-v2"]:
    key = words[words.index("--prefix") + 1]
    print(key if (root / words[words.index("--bucket") + 1] / key).exists() else "None")
elif words[:2] == ["s3", "cp"]:
    source, target = map(here, words[-2:])
    without = words[words.index("--exclude") + 1] if "--exclude" in words else None
    log = (root.parent / "copied.log").open("a")
    if not source.exists():
        sys.exit("fatal error: it does not exist")
    for file in [p for p in source.rglob("*") if p.is_file()] or [source]:
        name = file.relative_to(source)
        if without is None or not fnmatch.fnmatch(str(name), without):
            to = target / name if source.is_dir() else target
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)
            log.write(f"{file.name}\\n")
"""


@pytest.fixture
def aws(tmp_path: Path) -> Path:
    """A directory with a program that copies to and from a directory."""
    folder = program(tmp_path / "programs", "aws", _PROGRAM)
    (folder / "s3" / "a-bucket").mkdir(parents=True)
    return folder


def test_one_comes_back_as_it_went(aws: Path, bundle_path: Path, tmp_path: Path) -> None:
    env = environment(aws)
    put = ci("put-bundle", bundle_path, *BUCKET, env=env)
    assert put.status == 0, put
    copied = (aws / "copied.log").read_text().splitlines()
    assert copied[-1] == "manifest.json"  # half a bundle is none
    assert copied.count("manifest.json") == 1
    got = ci("fetch-bundle", *BUCKET, "--to", tmp_path / "new" / "models", env=env)
    assert got.status == 0, got
    assert put.out == got.out != ""
    files = {p.relative_to(bundle_path): p.read_bytes() for p in bundle_path.rglob("*.*")}
    back = tmp_path / "new" / "models"
    assert files == {p.relative_to(back): p.read_bytes() for p in back.rglob("*.*")}


def test_one_that_was_altered_in_the_bucket_does_not_appear(
    aws: Path, bundle_path: Path, tmp_path: Path
) -> None:
    ci("put-bundle", bundle_path, *BUCKET, env=environment(aws))
    file = next((aws / "s3").rglob("*.onnx"))
    file.write_bytes(file.read_bytes() + b"\0")
    done = ci("fetch-bundle", *BUCKET, "--to", tmp_path / "models", env=environment(aws))
    assert done.status == 1
    assert "s3://a-bucket/first/: file" in done.said
    assert "was altered" in done.said
    assert not (tmp_path / "models").exists()
    assert not list(tmp_path.glob(".models-*"))


def test_a_name_that_is_taken_stays(aws: Path, bundle_path: Path) -> None:
    env = environment(aws)
    assert ci("put-bundle", bundle_path, *BUCKET, env=env).status == 0
    before = (aws / "copied.log").read_text()
    assert "there is a bundle of this name" in refused("put-bundle", bundle_path, *BUCKET, env=env)
    assert (aws / "copied.log").read_text() == before


def test_what_is_no_bundle_does_not_go_there(aws: Path, tmp_path: Path) -> None:
    done = ci("put-bundle", tmp_path, *BUCKET, env=environment(aws))
    assert done.status == 1
    assert not (aws / "copied.log").exists()


def test_a_bundle_that_is_not_there(aws: Path, tmp_path: Path) -> None:
    done = ci("fetch-bundle", *BUCKET, "--to", tmp_path / "models", env=environment(aws))
    assert done.status == 1
    assert "it does not exist" in done.said
    assert not (tmp_path / "models").exists()


def test_a_place_that_is_taken(aws: Path, tmp_path: Path) -> None:
    said = refused("fetch-bundle", *BUCKET, "--to", tmp_path, env=environment(aws))
    assert "is there already" in said


@pytest.mark.parametrize("name", ["../a", "a/b", "", "-a"])
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    where = ("--bucket", "a-bucket", f"--name={name}", "--to", tmp_path / "models")
    assert "--name" in refused("fetch-bundle", *where)


def test_what_is_no_bucket_is_refused(tmp_path: Path) -> None:
    where = ("--bucket", "A_b", "--name", "a", "--to", tmp_path / "models")
    assert "--bucket A_b" in refused("fetch-bundle", *where)


def test_no_program_that_copies(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    env = {**environment(), "PATH": str(tmp_path / "none")}
    done = ci("fetch-bundle", *BUCKET, "--to", tmp_path / "models", env=env)
    assert "aws: there is no such program here" in done.said
