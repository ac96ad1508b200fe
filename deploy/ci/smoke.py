"""The smoke test: a service is ready, of the version that it should be, and answers as known."""

import time
from collections.abc import Callable

import msgspec

from deploy.ci.answers import Answers, differences, version_of
from deploy.ci.errors import PipelineError
from deploy.ci.service import Reply, Service

TOLERANCE = 1e-4
"""Processors differ in the last digits of a float32."""
_AGAIN = 10.0
"""Seconds for which a request that is refused is sent again: a service may be busy."""
_WRONG: tuple[tuple[str, object], ...] = (
    ("/predict", {"impressions": "none"}),
    ("/rank", {"candidates": 1}),
    ("/events", {"events": 1}),
    ("/nowhere", {}),
)
"""What no service takes."""


def smoke(service: Service, answers: Answers, tolerance: float, seconds: float) -> int:
    """Test a service; return how many probabilities were as known.

    Args:
        service: that is to be tested.
        answers: that are known.
        tolerance: by which a probability may differ.
        seconds: until it has to be ready.

    Raises:
        PipelineError: names each difference.
    """
    service.until_ready(seconds)
    found = _of_itself(service, answers.version)
    found += asked(service, answers, tolerance)
    for path, body in _WRONG:
        reply = patient(service, path, body)
        if not 400 <= reply.status < 500:
            found.append(f"{path}: {reply}, expected a refusal of {msgspec.json.encode(body)!r}")
    if found:
        raise PipelineError("smoke test:\n" + "\n".join(f"  {each}" for each in found))
    return sum(len(each.probabilities) for each in answers.questions)


def asked(service: Service, answers: Answers, tolerance: float) -> list[str]:
    """Ask what is known; return each difference."""
    found: list[str] = []
    for each in answers.questions:
        reply = patient(service, each.path, each.body)
        found += differences(each, reply, tolerance)
        if reply.status == 503:
            break  # it has been waited for long enough
    return found


def serves_again(service: Service, before: Answers, tolerance: float) -> list[str]:
    """See that a service that is back answers; return where its probabilities differ.

    Raises:
        PipelineError: it is of another version, or does not answer what it answered.
    """
    served, found = version_of(service), list[str]()
    if served != before.version:
        raise PipelineError(f"/model: version {served}, expected {before.version}")
    for each in before.questions:
        reply = patient(service, each.path, each.body)
        if reply.status != 200:
            raise PipelineError(f"{each.path}: {reply}")
        found += differences(each, reply, tolerance)
    return found


def patient(service: Service, path: str, body: object = None) -> Reply:
    """Ask; where the service says that it is busy, again."""
    return _until(service, path, body, lambda reply: reply.status != 503)


def _of_itself(service: Service, version: str) -> list[str]:
    """Return what is wrong with what a service says of itself."""
    found = []
    reply = _until(service, "/health", None, lambda reply: b'"away"' not in reply.body)
    if reply.status != 200 or b'"away"' in reply.body:
        found.append(f"/health: {reply}, expected ok and a store that answers")
    served = version_of(service)
    if served != version:
        found.append(f"/model: version {served}, expected {version}")
    return found


def _until(service: Service, path: str, body: object, good: Callable[[Reply], bool]) -> Reply:
    """Ask until an answer is good, or for some seconds."""
    end = time.monotonic() + _AGAIN
    while True:
        reply = service.ask(path, body)
        if good(reply) or time.monotonic() >= end:
            return reply
        time.sleep(0.5)
