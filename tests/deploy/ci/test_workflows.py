"""Workflows are pinned, may do little, end in time, and call scripts that are there."""

import re
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
import yaml

from deploy.ci.arguments import parser
from deploy.ci.cli import VERBS
from tests.conftest import ROOT
from tests.deploy.ci.verbs import ci
from tests.deploy.ci.workflows import (
    BUILDSPEC,
    FOLDER,
    GITHUB,
    NAMES,
    Job,
    jobs,
    runs,
    verbs,
    workflow,
)
from tests.lacking import lacking

JOBS = {f"{job.workflow}-{job.name}": job for job in jobs()}
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_LINE = re.compile(r"uses: ([^\s$]+)(?:  # (v\d+\.\d+\.\d+))?$", re.MULTILINE)
each_job = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)


def _checker(name: str) -> str:
    """Return where a checker is; without it the test is skipped, or fails where CI=true."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        reason = f"no {name}: pip install '.[dev]'"
        lacking(reason)
    return found


def _found(folder: Path) -> dict[str, str]:
    """Return what each checker finds in the workflows of a directory."""
    asked = {
        "actionlint": ["-no-color", *map(str, sorted((folder / "workflows").iterdir()))],
        "zizmor": ["--offline", "--no-progress", "--quiet", "--format=plain", str(folder)],
    }
    made = {}
    for name, arguments in asked.items():
        done = subprocess.run(
            [_checker(name), *arguments], capture_output=True, text=True, timeout=120, check=False,
            cwd=folder,
        )  # fmt: skip
        made[name] = done.stdout + done.stderr if done.returncode else ""
    return made


def test_checkers_find_nothing() -> None:
    assert _found(GITHUB) == {"actionlint": "", "zizmor": ""}


@pytest.mark.parametrize(
    ("name", "checker", "old", "new", "told"),
    [
        ("release", "actionlint", "steps.image.outputs", "steps.built.outputs", "built"),
        ("check", "actionlint", "runs-on: ubuntu-24.04", "runs-on: ubuntu-1", "ubuntu-1"),
        ("check", "zizmor", "persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("deploy", "zizmor", '"$IMAGE"', '"${{ inputs.image }}"', "template-injection"),
        (
            "check",
            "zizmor",
            "permissions:\n      contents: read",
            "permissions: write-all",
            "excessive",
        ),
        ("check", "zizmor", "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7", "unpinned-uses"),
    ],
)
def test_each_checker_sees_a_break(
    name: str, checker: str, old: str, new: str, told: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(GITHUB, tmp_path / ".github"))
    file = folder / "workflows" / f"{name}.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert told in _found(folder)[checker]


@pytest.mark.parametrize("name", NAMES)
def test_each_action_is_a_commit_and_says_which_version_it_is(name: str) -> None:
    used = _LINE.findall((FOLDER / f"{name}.yaml").read_text())
    assert used
    for action, version in used:
        assert _PINNED.fullmatch(action), action
        assert version, action


def test_one_action_is_one_commit_everywhere() -> None:
    used = {
        found for name in NAMES for found in _LINE.findall((FOLDER / f"{name}.yaml").read_text())
    }
    names = [action.partition("@")[0] for action, _ in used]
    assert len(names) == len(set(names)), sorted(used)


@each_job
def test_a_job_ends_in_time_and_says_what_it_may(job: Job) -> None:
    assert "permissions" in job.said
    assert workflow(job.workflow)["permissions"] == {}
    if "uses" not in job.said:
        assert 0 < int(job.said["timeout-minutes"]) <= 90


@each_job
def test_a_job_may_write_nothing_but_ask_for_an_identity(job: Job) -> None:
    allowed = {"contents": "read", "id-token": "write"}
    assert job.said["permissions"].items() <= allowed.items()
    asks = any("configure-aws-credentials" in str(s.get("uses")) for s in job.steps)
    publishes = any("pypi-publish" in str(step.get("uses")) for step in job.steps)
    calls = str(job.said.get("uses", "")).endswith("deploy.yaml")
    assert ("id-token" in job.said["permissions"]) == (asks or publishes or calls)


@each_job
def test_a_checkout_keeps_no_credentials(job: Job) -> None:
    for step in job.steps:
        if "actions/checkout" in str(step.get("uses")):
            assert step["with"]["persist-credentials"] == "false"


def test_checks_of_a_pull_request_end_older_ones_and_releases_end_none() -> None:
    assert "pull_request" in workflow("check")["concurrency"]["cancel-in-progress"]
    assert workflow("release")["concurrency"]["cancel-in-progress"] == "false"
    deploy = workflow("deploy")["jobs"]["deploy"]["concurrency"]
    assert deploy == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": "false"}


def test_no_workflow_takes_a_pull_request_s_code_with_rights() -> None:
    for name in NAMES:
        assert not {"pull_request_target", "workflow_run"} & set(workflow(name)["on"])
        assert "secrets" not in (FOLDER / f"{name}.yaml").read_text()


def test_production_comes_after_staging_and_staging_after_all_checks() -> None:
    release = workflow("release")["jobs"]
    assert set(release["image"]["needs"]) == {"check", "package"}
    assert "image" in release["staging"]["needs"]
    assert "staging" in release["production"]["needs"]
    assert "staging" in release["publish"]["needs"]
    assert release["publish"]["environment"] == "pypi"
    for name in ("staging", "production"):
        assert release[name]["with"]["environment"] == name
        assert (ROOT / "config" / "overlays" / name / "kustomization.yaml").is_file()
    assert workflow("deploy")["jobs"]["deploy"]["environment"] == "${{ inputs.environment }}"


def test_an_image_is_scanned_before_it_is_pushed_and_verified_before_it_is_deployed() -> None:
    made = [str(step) for step in JOBS["release-image"].steps]
    order = ["deploy/ci fetch-bundle", "deploy/ci image --build-only", "scan-action",
             "deploy/ci image --repository", "deploy/ci sign"]  # fmt: skip
    places = [next(i for i, step in enumerate(made) if part in step) for part in order]
    assert places == sorted(places)
    deployed = "".join(step.get("run", "") for step in JOBS["deploy-deploy"].steps)
    assert deployed.index("deploy/ci verify") < deployed.index("deploy/ci release")


@pytest.mark.parametrize("where", sorted({where for where, _ in runs()}))
def test_each_verb_that_is_called_takes_what_it_is_given(where: str) -> None:
    for place, text in runs():
        if place == where:
            for words in verbs(text):
                assert _takes(words) == words[0]


def _takes(words: list[str]) -> str:
    """Return the verb, if it takes these arguments; placeholders stand for numbers and paths."""
    return str(parser().parse_args(words).verb)


def test_the_check_sees_a_verb_and_a_flag_that_are_not_there() -> None:
    (good,) = verbs('x=$(python deploy/ci sign --image "$IMAGE" --key a)\n')
    assert good == ["sign", "--image", "1", "--key", "a"]
    for wrong in (["signs", *good[1:]], [*good, "--keys", "a"], good[:1]):
        with pytest.raises(SystemExit):
            _takes(wrong)


def test_the_buildspec_compares_the_tag_where_one_is_handed_on() -> None:
    called = [words for place, text in runs() if "buildspec" in place for words in verbs(text)]
    (version,) = [words for words in called if words[0] == "version"]
    assert version[1] == "--tag"
    for tag, status in (("", 0), ("v0.0.0", 2)):
        assert ci("version", "--tag", tag).status == status


def test_pipelines_call_all_that_a_release_needs() -> None:
    of_github = {words[0] for place, text in runs() if "buildspec" not in place
                 for words in verbs(text)}  # fmt: skip
    of_aws = {words[0] for place, text in runs() if "buildspec" in place for words in verbs(text)}
    needed = {"package", "version", "fetch-bundle", "known", "image", "sign", "verify", "release",
              "rollback"}  # fmt: skip
    assert needed <= of_github
    assert needed <= of_aws
    assert of_github | of_aws <= set(VERBS)


def test_each_verb_has_its_arguments_and_each_its_verb() -> None:
    (chosen,) = [action for action in parser()._actions if action.dest == "verb"]
    assert isinstance(chosen.choices, dict)
    assert set(chosen.choices) == set(VERBS)
    assert all(isinstance(each, ArgumentParser) for each in chosen.choices.values())


def test_a_rule_of_make_that_is_called_is_there() -> None:
    rules = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for place, text in runs():
        for line in re.findall(r"\bmake ([a-z][^\n]*)", text):
            words = {word for word in shlex.split(line) if "=" not in word}
            assert words <= rules, place


def test_the_buildspec_has_a_phase_for_each_stage_and_refuses_others() -> None:
    text = BUILDSPEC.read_text()
    assert yaml.safe_load(text)["version"] == 0.2
    for phase in ("check)", "image)", "staging | production)", "*)"):
        assert f"          {phase}\n" in text


@pytest.mark.parametrize("place", sorted({place for place, _ in runs()}))
def test_what_is_run_is_sound_shell(place: str) -> None:
    for where, text in runs():
        if where == place:
            done = subprocess.run(
                ["bash", "-n"], input=text, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr


def test_cosign_is_the_one_that_the_action_brings() -> None:
    # its version and digest are those of the installer whose commit the workflows name
    said = yaml.safe_load(BUILDSPEC.read_text())["env"]["variables"]
    assert re.fullmatch(r"[0-9a-f]{64}", said["COSIGN_SHA256"])
    assert "sha256sum --check" in BUILDSPEC.read_text()
    assert said["COSIGN"].startswith("https://github.com/sigstore/cosign/releases/download/v")
