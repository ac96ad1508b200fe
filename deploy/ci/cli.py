"""The verbs of pipelines. Results go to standard output, all else to standard error."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from clickthrough.errors import ClickthroughError
from deploy.ci import bundles, images, package
from deploy.ci.answers import read_answers, write_answers
from deploy.ci.arguments import parser
from deploy.ci.cluster import Cluster
from deploy.ci.errors import CancelledError, PipelineError, UsageError
from deploy.ci.image_name import ImageName, Repository
from deploy.ci.known import known_answers
from deploy.ci.origin import Origin
from deploy.ci.record import read_release, write_release
from deploy.ci.release import (
    Plan,
    deploy,
    ended_by_signals,
    observe,
    prepare,
    release,
    say,
    test,
)
from deploy.ci.service import Service
from deploy.ci.smoke import asked, smoke
from deploy.ci.undo import roll_back
from deploy.ci.watch import Limits, OfUrl, watch


def main(arguments: Sequence[str]) -> int:
    """Do what is asked; return the status."""
    given = parser().parse_args(arguments)
    try:
        with ended_by_signals():
            VERBS[given.verb](given)
    except (PipelineError, CancelledError, ClickthroughError) as error:
        say("\n".join([f"error: {error}", *getattr(error, "__notes__", [])]))
        return UsageError.status if isinstance(error, ClickthroughError) else error.status
    return 0


def _version(given: Namespace) -> None:
    print(package.check_tag(given.tag) if given.tag else package.version())


def _package(given: Namespace) -> None:
    answers = known_answers(given.bundle) if given.bundle else None
    trial = package.Trial(given.lock, given.borrow, given.bundle, answers)
    for made in package.build(given.out):
        say(package.try_out(made, trial))
        print(made)


def _known(given: Namespace) -> None:
    answers = known_answers(given.bundle)
    write_answers(answers, given.out)
    count = sum(len(each.probabilities) for each in answers.questions)
    say(f"{count} probabilities of version {answers.version} in {given.out}")


def _fetch_bundle(given: Namespace) -> None:
    print(bundles.fetch(given.bucket, given.name, given.to).version)


def _put_bundle(given: Namespace) -> None:
    print(bundles.put(given.bundle, given.bucket, given.name).version)


def _image(given: Namespace) -> None:
    repository = Repository.read(given.repository)
    origin = Origin.read(given.version, given.bundle, package.ROOT, given.revision)
    if given.build_only:
        print(images.prepared(repository, origin)[0])
    else:
        print(images.publish(repository, origin))


def _sign(given: Namespace) -> None:
    images.sign(ImageName.read(given.image), given.key)


def _verify(given: Namespace) -> None:
    images.verify(ImageName.read(given.image), given.key, given.identity)


def _smoke(given: Namespace) -> None:
    answers = read_answers(given.answers)
    if given.url is None:
        cluster = _cluster(given)
        cluster.check()
        test(cluster, answers, given.tolerance)
        return
    count = smoke(Service(given.url), answers, given.tolerance, given.ready)
    say(f"smoke test: {count} probabilities as known, version {answers.version}")


def _deploy(given: Namespace) -> None:
    plan, cluster = _plan(given), _cluster(given)
    documents, made = prepare(cluster, plan)
    deploy(cluster, documents, made, plan)


def _watch(given: Namespace) -> None:
    answers = read_answers(given.answers)
    if given.url is None:
        cluster = _cluster(given)
        cluster.check()
        observe(cluster, _plan(given))
        return
    service, seconds = OfUrl(Service(given.url)), given.minutes * 60

    def ask() -> list[str]:
        return asked(Service(given.url), answers, given.tolerance)

    own = len(answers.questions)
    say(watch(service, _limits(given), seconds, given.interval, ask, own))


def _rollback(given: Namespace) -> None:
    made = read_release(given.record)
    if made.state != "begun":
        say(f"the release is {made.state}: nothing to undo")
        return
    say(roll_back(Cluster(made.namespace), made, given.rollout, given.tolerance))
    made.state = "undone"
    write_release(made, given.record)


def _release(given: Namespace) -> None:
    release(_cluster(given), _plan(given))


def _cluster(given: Namespace) -> Cluster:
    if given.namespace is None:
        raise UsageError("expected --url, or --namespace of a cluster")
    return Cluster(given.namespace)


def _limits(given: Namespace) -> Limits:
    return Limits(given.max_errors, given.max_refused, given.max_p99, given.max_restarts)


def _plan(given: Namespace) -> Plan:
    """Return what arguments say; what a verb does not take is as it is by default."""
    said = vars(given)
    named = ("rollout", "minutes", "interval", "tolerance", "record")
    return Plan(
        overlay=said.get("overlay", Path()),
        image=ImageName.read(said["image"]) if "image" in said else ImageName("", ""),
        answers=read_answers(given.answers),
        limits=_limits(given) if "max_errors" in said else Limits(),
        **{name: said[name] for name in named if name in said},
    )


VERBS: dict[str, Callable[[Namespace], None]] = {
    "version": _version,
    "package": _package,
    "known": _known,
    "fetch-bundle": _fetch_bundle,
    "put-bundle": _put_bundle,
    "image": _image,
    "sign": _sign,
    "verify": _verify,
    "smoke": _smoke,
    "deploy": _deploy,
    "watch": _watch,
    "rollback": _rollback,
    "release": _release,
}
