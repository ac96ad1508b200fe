"""What each verb takes."""

import argparse
from argparse import ArgumentTypeError
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import NoReturn, TypeAlias

from deploy.ci.smoke import TOLERANCE
from deploy.ci.watch import Limits

_PROGRAM = "Build, sign, deploy, test and watch a release, and go back where it is bad."


class ArgumentParser(argparse.ArgumentParser):
    """Tells what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End the process."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


Verbs: TypeAlias = "argparse._SubParsersAction[ArgumentParser]"


def parser() -> ArgumentParser:
    """Return what reads arguments; a wrong one ends the process with 2 and one message."""
    made = ArgumentParser(prog="deploy/ci", description=_PROGRAM, allow_abbrev=False)
    verbs = made.add_subparsers(dest="verb", required=True, metavar="VERB")
    _of_package(verbs)
    _of_bundles(verbs)
    _of_images(verbs)
    _of_service(verbs)
    _of_cluster(verbs)
    return made


def _verb(verbs: Verbs, name: str, text: str) -> ArgumentParser:
    return verbs.add_parser(name, help=text, description=text, allow_abbrev=False)


def _of_package(verbs: Verbs) -> None:
    made = _verb(verbs, "version", "print the version; fail where a tag names another")
    made.add_argument("--tag", help="such as v0.1.0")
    made = _verb(verbs, "package", "build wheel and sdist, install each alone, and try it")
    made.add_argument("--out", type=Path, required=True, help="an empty or a new directory")
    made.add_argument("--lock", type=Path, help="versions and hashes of what it needs")
    made.add_argument("--borrow", type=Path, help="packages that are there, instead: no network")
    made.add_argument("--bundle", type=Path, help="is scored with")


def _of_bundles(verbs: Verbs) -> None:
    made = _verb(verbs, "known", "write requests, and the probabilities that a bundle gives")
    made.add_argument("bundle", type=Path)
    made.add_argument("--out", type=Path, required=True, help="a JSON file")
    made = _verb(verbs, "fetch-bundle", "copy a bundle from the bucket, if it is whole")
    _add_place(made)
    made.add_argument("--to", type=Path, required=True, help="a directory that is made")
    made = _verb(verbs, "put-bundle", "copy a bundle that is whole into the bucket")
    made.add_argument("bundle", type=Path)
    _add_place(made)


def _of_images(verbs: Verbs) -> None:
    made = _verb(verbs, "image", "build and push a version's image once; print its digest")
    made.add_argument("--repository", required=True, help="output ServiceImage of stack registry")
    made.add_argument("--version", required=True, help="its tag, which is never given again")
    made.add_argument("--bundle", default="models", help="a directory of the checkout (models)")
    made.add_argument("--revision", help="the commit (by default the build's, or git's HEAD)")
    text = "push nothing; print the image's name on this machine, to scan it"
    made.add_argument("--build-only", action="store_true", help=text)
    made = _verb(verbs, "sign", "sign an image, as this workflow or by a key")
    _add_image(made)
    made.add_argument("--key", help="awskms:///ARN; without it, as the workflow that this is")
    made = _verb(verbs, "verify", "fail where an image was not signed by whom it should be")
    _add_image(made)
    made.add_argument("--key", help="awskms:///ARN, by which it was signed")
    made.add_argument("--identity", help="URL of the workflow that signed, at its tag")


def _of_service(verbs: Verbs) -> None:
    made = _verb(verbs, "smoke", "test a service by known answers")
    _add_target(made)
    made.add_argument("--ready", type=_above_0, default=60, help="seconds until it is ready (60)")
    made = _verb(verbs, "watch", "watch errors, latency, restarts and readiness")
    _add_target(made)
    _add_watching(made)


def _of_cluster(verbs: Verbs) -> None:
    made = _verb(verbs, "deploy", "apply an overlay with an image, and wait for the rollout")
    _add_deployment(made)
    made = _verb(verbs, "rollback", "undo a release that was begun and is not good")
    made.add_argument("--record", type=Path, required=True, help="what the release has written")
    made.add_argument("--tolerance", type=_above_0, default=TOLERANCE)
    _add_rollout(made)
    made = _verb(verbs, "release", "deploy, test, watch; go back by itself")
    _add_deployment(made)
    _add_watching(made)


def _add_place(made: ArgumentParser) -> None:
    made.add_argument("--bucket", required=True, help="output BundlesBucket of stack bundles")
    made.add_argument("--name", required=True, help="the bundle's directory in it")


def _add_image(made: ArgumentParser) -> None:
    made.add_argument("--image", required=True, help="REPOSITORY@sha256:...")


def _add_answers(made: ArgumentParser) -> None:
    made.add_argument("--answers", type=Path, required=True, help="a file that `known` has written")
    made.add_argument("--tolerance", type=_above_0, default=TOLERANCE, help="of a probability")


def _add_target(made: ArgumentParser) -> None:
    where = made.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="of the service")
    where.add_argument("--namespace", help="where it is in the cluster that kubectl points to")
    _add_answers(made)


def _add_rollout(made: ArgumentParser) -> None:
    made.add_argument(
        "--rollout", type=_above_0, default=900, help="seconds that it may take (900)"
    )


def _add_deployment(made: ArgumentParser) -> None:
    made.add_argument("--overlay", type=Path, required=True, help="config/overlays/aws-staging")
    made.add_argument("--namespace", required=True, help="which the overlay is for")
    _add_image(made)
    _add_answers(made)
    _add_rollout(made)
    made.add_argument("--record", type=Path, help="where it writes what `rollback` needs")


def _add_watching(made: ArgumentParser) -> None:
    usual = Limits()
    made.add_argument("--minutes", type=_above_0, default=5, help="of watching (5)")
    made.add_argument("--interval", type=_above_0, default=10, help="seconds between looks (10)")
    made.add_argument("--max-errors", type=_share, default=usual.errors, help="share of 5xx (.01)")
    made.add_argument("--max-refused", type=_share, default=usual.refused, help="of 503 (.05)")
    made.add_argument("--max-p99", type=_above_0, default=usual.p99, help="seconds (.25)")
    made.add_argument("--max-restarts", type=_whole, default=usual.restarts, help="of all pods (0)")


def _number(text: str, allowed: Callable[[float], bool], expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -inf
    if not allowed(value):
        raise ArgumentTypeError(f"{text}: expected {expected}")
    return value


def _above_0(text: str) -> float:
    return _number(text, lambda value: 0 < value < inf, "a number above 0")


def _share(text: str) -> float:
    return _number(text, lambda value: 0 <= value <= 1, "a share, 0 to 1")


def _whole(text: str) -> int:
    return int(_number(text, lambda value: value >= 0 and value.is_integer(), "0, 1, 2, ..."))
