"""A release: deployed, tested, watched; and what was there before is back if anything is bad."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from clickthrough.errors import ClickthroughError
from deploy.ci.answers import Answers, recorded
from deploy.ci.cluster import Cluster
from deploy.ci.errors import CancelledError, PipelineError
from deploy.ci.image_name import ImageName
from deploy.ci.record import Release, write_release
from deploy.ci.render import Manifest, rendered, space_labels
from deploy.ci.smoke import TOLERANCE, asked, smoke
from deploy.ci.undo import READY, roll_back
from deploy.ci.watch import Limits, watch

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        rollout: seconds until all pods are new and ready.
        minutes: of watching.
        interval: seconds between two looks.
        record: where is written what has to be known to undo it.
    """

    overlay: Path
    image: ImageName
    answers: Answers
    rollout: float = 900
    minutes: float = 5
    interval: float = 10
    limits: Limits = field(default_factory=Limits)
    tolerance: float = TOLERANCE
    record: Path | None = None


def say(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


def release(cluster: Cluster, plan: Plan) -> None:
    """Deploy, test and watch; go back by itself.

    Raises:
        UsageError: nothing was done.
        PipelineError: it was bad; a note says what was done about it.
        CancelledError: it was told to end; likewise.
    """
    with ended_by_signals():
        documents, made = prepare(cluster, plan)
        try:
            deploy(cluster, documents, made, plan)
            test(cluster, plan.answers, plan.tolerance)
            observe(cluster, plan)
        except BaseException as error:  # whatever it is, what was there before has to be back
            say(f"failed: {error}")
            with unheard_signals():
                error.add_note(_undone(cluster, made, plan))
            raise
    made.state = "good"
    write_release(made, plan.record)


def prepare(cluster: Cluster, plan: Plan) -> tuple[list[Manifest], Release]:
    """Look at what is there; return what is to be applied, and the record.

    Raises:
        UsageError: it cannot be deployed.
    """
    documents = rendered(plan.overlay, plan.image, cluster.namespace)
    cluster.check(space_labels(plan.overlay))
    there = cluster.deployment()
    before = there.revision if there else None
    if there and not there.is_whole:
        say(f"revision {before} is not whole: going back would lead to it all the same")
    template = there.spec.template if there else None
    made = Release(
        namespace=cluster.namespace, image=str(plan.image), before=before, template=template
    )
    if there:
        made.answers = _answered_before(cluster, plan)
    write_release(made, plan.record)
    return documents, made


def deploy(cluster: Cluster, documents: list[Manifest], made: Release, plan: Plan) -> None:
    """Apply, and wait for the rollout.

    Raises:
        PipelineError: it is refused, or pods do not get ready.
    """
    what = "the first" if made.before is None else f"revision {made.before} is there"
    say(f"{made.namespace}: deploying {made.image}; {what}")
    cluster.apply(documents)
    cluster.until_rolled_out(plan.rollout)
    there = cluster.deployment()
    made.after = there.revision if there else None
    write_release(made, plan.record)
    say(f"revision {made.after} is rolled out")


def test(cluster: Cluster, answers: Answers, tolerance: float) -> None:
    """Run the smoke test.

    Raises:
        PipelineError: names each difference.
    """
    with cluster.reached() as service:
        count = smoke(service, answers, tolerance, READY)
    say(f"smoke test: {count} probabilities as known, version {answers.version}")


def observe(cluster: Cluster, plan: Plan) -> None:
    """Watch.

    Raises:
        PipelineError: something is bad.
    """

    def once() -> list[str]:
        try:
            with cluster.reached() as service:
                return asked(service, plan.answers, plan.tolerance)
        except PipelineError as error:
            return [str(error)]

    def ask() -> list[str]:
        return once() and once()  # the pod that was led to may have been scaled away

    seconds = plan.minutes * 60
    say(f"watching for {plan.minutes:g} minutes")
    say(watch(cluster, plan.limits, seconds, plan.interval, ask, len(plan.answers.questions)))


def _undone(cluster: Cluster, made: Release, plan: Plan) -> str:
    """Go back; say what became of it."""
    say("going back")
    try:
        text = roll_back(cluster, made, plan.rollout, plan.tolerance)
        made.state = "undone"
        write_release(made, plan.record)
    except (PipelineError, ClickthroughError) as error:
        return f"NOT rolled back: {error}"
    return text


def _answered_before(cluster: Cluster, plan: Plan) -> Answers | None:
    """Return what is answered now to the requests that are known."""
    try:
        with cluster.reached() as service:
            return recorded(service, plan.answers.questions)
    except PipelineError as error:
        say(f"what is there does not answer: {error}")
        return None


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let a signal end what is done by an error, so that it is undone."""

    def end(number: int, _: FrameType | None) -> None:
        raise CancelledError(f"told to end by {signal.Signals(number).name}")

    yield from _handled(end)


@contextmanager
def unheard_signals() -> Iterator[None]:
    """Let nothing end what is done: going back half way would be worse."""
    yield from _handled(signal.SIG_IGN)


def _handled(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers,
) -> Iterator[None]:
    before = [(number, signal.signal(number, handler)) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, old in before:
            signal.signal(number, old)
