"""A version is built and pushed once; what is signed and deployed is named by its digest."""

import itertools
import json
import subprocess
from pathlib import Path

import pytest

from clickthrough.bundle.layout import FORMAT
from clickthrough.bundle.manifest import Manifest
from deploy.ci.errors import PipelineError, UsageError
from deploy.ci.image_name import ImageName, Repository
from deploy.ci.images import prepared, publish, verify
from deploy.ci.origin import Origin
from tests.deploy.ci.kubectl import image
from tests.deploy.ci.verbs import ci, environment, program, refused

REPOSITORY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ctr-service"
DIGEST = "sha256:" + 64 * "a"
COMMIT = 40 * "c"
LABELS = {"org.opencontainers.image.revision": COMMIT, "clickthrough.bundle": "bundle-1"}
PASSWORD = "a-password-of-twelve-hours"  # noqa: S105 - of the stand-in
_PROGRAM = """
import json, sys
from pathlib import Path
place, words = Path(__file__).parent, sys.argv[1:]
said = "" if sys.stdin.isatty() else sys.stdin.read()
name = Path(__file__).name
with (place / "asked.jsonl").open("a") as log:
    log.write(json.dumps([name, *words, said]) + "\\n")
state = json.loads((place / "state.json").read_text())
if state.get("fails") == " ".join([name, *words[:2]]):
    sys.exit("it failed")
if words[:2] == ["ecr", "get-login-password"]:
    print(state["password"])
if words[:2] == ["ecr", "describe-images"]:
    tag = words[words.index("--image-ids") + 1].partition("=")[2]
    if tag not in state["tags"]:
        sys.exit("An error occurred (ImageNotFoundException) when calling DescribeImages")
    print(json.dumps({"imageDetails": [{"imageDigest": state["tags"][tag]}]}))
if name == "docker" and words[0] == "push":
    state["tags"][words[1].rpartition(":")[2]] = state["digest"]
if name == "docker" and words[0] == "build":
    given = [word for before, word in zip(words, words[1:]) if before == "--label"]
    image = words[words.index("--tag") + 1]
    state["here"][image] = dict(label.split("=", 1) for label in given)
if name == "docker" and words[0] == "pull":
    state["here"][words[1]] = state["labels"]
if name == "docker" and words[:2] == ["image", "inspect"]:
    if words[-1] not in state["here"]:
        sys.exit("No such image")
    print(json.dumps(state["here"][words[-1]]))
(place / "state.json").write_text(json.dumps(state))
"""


class Programs:
    """Stand-ins for docker, aws and cosign.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        for name in ("docker", "aws", "cosign"):
            program(folder, name, _PROGRAM)
        self.folder = folder
        self.keep(password=PASSWORD, tags={}, digest=DIGEST, here={}, labels=None)

    def keep(self, **values: object) -> None:
        """Change what they keep."""
        file = self.folder / "state.json"
        before = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**before, **values}))

    def asked(self, *begin: str) -> list[list[str]]:
        """Return what they were asked that begins so."""
        file = self.folder / "asked.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        calls: list[list[str]] = [json.loads(line) for line in lines]
        return [call for call in calls if call[: len(begin)] == list(begin)]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Stand-ins, which are found first."""
    made = Programs(tmp_path / "programs")
    monkeypatch.setenv("PATH", environment(made.folder)["PATH"])
    return made


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with a bundle."""
    place = tmp_path / "checkout"
    (place / "models").mkdir(parents=True)
    manifest = Manifest(
        format=FORMAT, version="bundle-1", created="", clickthrough="", counters="",
        counters_until="", files={},
    )  # fmt: skip
    (place / "models" / "manifest.json").write_text(manifest.model_dump_json())
    return place


def _origin(
    checkout: Path, version: str = "0.1.0", bundle: str = "models", commit: str | None = COMMIT
) -> Origin:
    return Origin.read(version, bundle, checkout, commit)


def _publish(checkout: Path, version: str = "0.1.0", bundle: str = "models") -> ImageName:
    return publish(Repository.read(REPOSITORY), _origin(checkout, version, bundle))


def test_it_is_built_and_pushed_as_its_version_and_as_latest(
    programs: Programs, checkout: Path
) -> None:
    assert str(_publish(checkout)) == f"{REPOSITORY}@{DIGEST}"
    (built,) = programs.asked("docker", "build")
    assert "BUNDLE=models" in built
    pushed = [call[2] for call in programs.asked("docker", "push")]
    assert pushed == [f"{REPOSITORY}:0.1.0", f"{REPOSITORY}:latest"]


def test_the_password_is_in_no_argument(programs: Programs, checkout: Path) -> None:
    _publish(checkout)
    (login,) = programs.asked("docker", "login")
    assert login[-1].strip() == PASSWORD
    for call in programs.asked():
        assert PASSWORD not in " ".join(call[:-1])


def test_it_says_what_it_was_built_from(programs: Programs, checkout: Path) -> None:
    _publish(checkout)
    (built,) = programs.asked("docker", "build")
    given = [word for before, word in itertools.pairwise(built) if before == "--label"]
    assert given == [f"{name}={value}" for name, value in LABELS.items()]


def test_a_version_that_is_there_is_not_built_again_and_is_the_latest(
    programs: Programs, checkout: Path
) -> None:
    other = "sha256:" + 64 * "b"
    programs.keep(tags={"0.1.0": other}, labels={**LABELS, "another": "label"})
    assert _publish(checkout).digest == other
    assert not programs.asked("docker", "build")
    (pulled,) = programs.asked("docker", "pull")
    assert pulled[2] == f"{REPOSITORY}@{other}"
    assert [call[2] for call in programs.asked("docker", "push")] == [f"{REPOSITORY}:latest"]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({**LABELS, "clickthrough.bundle": "old"}, "clickthrough.bundle=old (expected bundle-1)"),
        (
            {**LABELS, "org.opencontainers.image.revision": "d"},
            f"image.revision=d (expected {COMMIT})",
        ),
        (None, "clickthrough.bundle=none (expected bundle-1)"),
    ],
)
def test_a_version_that_is_there_and_was_built_from_something_else_is_refused(
    labels: dict[str, str] | None, told: str, programs: Programs, checkout: Path
) -> None:
    programs.keep(tags={"0.1.0": DIGEST}, labels=labels)
    with pytest.raises(UsageError, match=r"0\.1\.0 is in the registry") as error:
        _publish(checkout)
    assert told in str(error.value)
    assert not programs.asked("docker", "push")


def test_what_was_built_to_be_scanned_is_what_is_pushed(programs: Programs, checkout: Path) -> None:
    name, digest = prepared(Repository.read(REPOSITORY), _origin(checkout))
    assert (name, digest) == (f"{REPOSITORY}:0.1.0", None)
    assert not programs.asked("docker", "push")
    _publish(checkout)
    assert len(programs.asked("docker", "build")) == 1
    programs.keep(here={name: {**LABELS, "clickthrough.bundle": "old"}}, tags={})
    _publish(checkout)
    assert len(programs.asked("docker", "build")) == 2


def test_the_verb_prints_the_name_here_and_then_the_digest(
    programs: Programs, checkout: Path
) -> None:
    asked = ("image", "--repository", REPOSITORY, "--version", "0.1.0", "--revision", COMMIT,
             "--bundle", checkout / "models")  # fmt: skip
    env = environment(programs.folder)
    assert ci(*asked, "--build-only", env=env).out == f"{REPOSITORY}:0.1.0\n"
    assert ci(*asked, env=env).out == f"{REPOSITORY}@{DIGEST}\n"


def test_of_a_version_that_is_there_that_one_is_scanned(programs: Programs, checkout: Path) -> None:
    programs.keep(tags={"0.1.0": DIGEST}, labels=LABELS)
    name, digest = prepared(Repository.read(REPOSITORY), _origin(checkout))
    assert digest == DIGEST
    assert ["docker", "tag", f"{REPOSITORY}@{DIGEST}", name] in [
        call[:-1] for call in programs.asked("docker", "tag")
    ]


@pytest.mark.parametrize("name", ["GITHUB_SHA", "CODEBUILD_RESOLVED_SOURCE_VERSION"])
def test_the_commit_is_what_the_build_says(
    name: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("GITHUB_SHA", "CODEBUILD_RESOLVED_SOURCE_VERSION"):
        monkeypatch.delenv(each, raising=False)
    with pytest.raises(UsageError, match="--revision: expected, as git"):
        _origin(checkout, commit=None)
    git = ("git", "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "--message", "a")):
        subprocess.run([*git, *words], check=True)
    assert len(_origin(checkout, commit=None).labels["org.opencontainers.image.revision"]) == 40
    monkeypatch.setenv(name, 40 * "e")
    assert 40 * "e" in _origin(checkout, commit=None).labels.values()
    assert COMMIT in _origin(checkout).labels.values()


@pytest.mark.parametrize("commit", ["main", "v0.1.0", "abc", 41 * "c"])
def test_what_is_no_commit_is_refused(commit: str, checkout: Path) -> None:
    with pytest.raises(UsageError, match="expected a commit"):
        _origin(checkout, commit=commit)


def test_a_bundle_that_is_none_is_refused(checkout: Path) -> None:
    (checkout / "models" / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match=r"--bundle models: .*not a manifest"):
        _origin(checkout)


@pytest.mark.parametrize(
    "step",
    [
        "aws ecr get-login-password",
        "docker login --username",
        "docker build --pull",
        f"docker push {REPOSITORY}:0.1.0",
        f"docker tag {REPOSITORY}:0.1.0",
        "aws ecr describe-images",
    ],
)
def test_a_step_that_fails_ends_it(step: str, programs: Programs, checkout: Path) -> None:
    programs.keep(fails=step)
    with pytest.raises(PipelineError, match=step.rpartition(" ")[0]):
        _publish(checkout)


def test_a_registry_that_names_no_digest_ends_it(programs: Programs, checkout: Path) -> None:
    programs.keep(tags={"0.1.0": "None"})
    with pytest.raises(PipelineError, match="names no digest"):
        _publish(checkout)


@pytest.mark.parametrize("version", ["", "latest", "-a", "0.1 0", "v0.1.0"])
def test_what_is_no_version_is_refused(version: str, programs: Programs, checkout: Path) -> None:
    with pytest.raises(UsageError, match="expected a version"):
        _publish(checkout, version=version)
    assert not programs.asked()


def test_no_bundle_is_refused_before_anything_is_done(programs: Programs, checkout: Path) -> None:
    with pytest.raises(UsageError, match="no bundle there"):
        _publish(checkout, bundle="another")
    assert not programs.asked()


@pytest.mark.parametrize(
    "name", ["ctr-service", f"{REPOSITORY}:1", "docker.io/a/b", f"{REPOSITORY}@{DIGEST}", ""]
)
def test_what_is_no_repository_of_ecr_is_refused(name: str) -> None:
    said = refused("image", "--repository", name, "--version", "0.1.0")
    assert "expected ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, no tag" in said


def test_a_signature_is_of_the_digest(programs: Programs) -> None:
    env = environment(programs.folder)
    assert ci("sign", "--image", image(1), env=env).status == 0
    assert ci("sign", "--image", image(1), "--key", "awskms:///arn", env=env).status == 0
    keyless, keyed = programs.asked("cosign", "sign")
    assert keyless[2:-1] == ["--yes", image(1)]
    assert keyed[2:-1] == ["--yes", "--key", "awskms:///arn", image(1)]
    assert "expected REPOSITORY@sha256:" in refused("sign", "--image", "ctr-service:latest")


def test_who_has_signed_is_asked_for_exactly(programs: Programs) -> None:
    who = "https://github.com/o/r/.github/workflows/release.yaml@refs/tags/v0.1.0"
    done = ci("verify", "--image", image(1), "--identity", who, env=environment(programs.folder))
    assert done.status == 0, done
    (login,) = programs.asked("cosign", "login")
    assert login[-1].strip() == PASSWORD
    assert not programs.asked("docker")
    (call,) = programs.asked("cosign", "verify")
    assert call[call.index("--certificate-identity") + 1] == who
    assert "https://token.actions.githubusercontent.com" in call


def test_what_nobody_signed_fails(programs: Programs) -> None:
    programs.keep(fails="cosign verify --key")
    with pytest.raises(PipelineError, match="cosign verify"):
        verify(ImageName.read(image(1)), "awskms:///arn", None)


@pytest.mark.parametrize("who", [(), ("--key", "a", "--identity", "b")])
def test_who_signs_is_one(who: tuple[str, ...]) -> None:
    assert "either --key or --identity" in refused("verify", "--image", image(1), *who)
