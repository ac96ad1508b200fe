"""Known answers: requests, and the probabilities that a bundle gives for them."""

from pathlib import Path
from typing import Any

import msgspec

from clickthrough.serving.contract import Predictions, Rankings
from clickthrough.whole_file import write_whole
from deploy.ci.errors import PipelineError, UsageError
from deploy.ci.service import Reply, Service


class Question(msgspec.Struct, frozen=True):
    """A request and what is answered.

    Attributes:
        path: ``/predict`` or ``/rank``.
        probabilities: in the order in which the body names impressions or candidates.
    """

    path: str
    body: dict[str, Any]
    probabilities: list[float]


class Answers(msgspec.Struct, frozen=True):
    """What a bundle answers.

    Attributes:
        version: of the bundle.
    """

    version: str
    questions: list[Question]


def read_answers(path: Path) -> Answers:
    """Read known answers.

    Raises:
        UsageError: there is no such file, it is another one, or holds none.
    """
    try:
        made = msgspec.json.decode(path.read_bytes(), type=Answers)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path}: no file of known answers: {error}") from None
    if not made.questions:
        raise UsageError(f"{path}: holds no known answers")
    return made


def write_answers(answers: Answers, path: Path) -> None:
    """Write known answers, as a file that people can read."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(answers), indent=1) + b"\n")


def probabilities(path: str, body: bytes) -> list[float]:
    """Return what an answer says, in the order of the request.

    Raises:
        PipelineError: it is no such answer.
    """
    try:
        if path == "/predict":
            given = msgspec.json.decode(body, type=Predictions)
            return [each.probability for each in given.predictions]
        ranked = msgspec.json.decode(body, type=Rankings).ranking
    except msgspec.MsgspecError as error:
        raise PipelineError(f"{path}: an answer that is none: {error}") from None
    return [each.probability for each in sorted(ranked, key=lambda each: each.candidate)]


def differences(question: Question, reply: Reply, tolerance: float) -> list[str]:
    """Say in what an answer differs from the known one.

    Args:
        question: that was asked.
        reply: what came back.
        tolerance: by which a probability may differ.
    """
    path = question.path
    if reply.status != 200:
        return [f"{path}: {reply}"]
    try:
        given = probabilities(path, reply.body)
    except PipelineError as error:
        return [str(error)]
    if len(given) != len(question.probabilities):
        return [f"{path}: {len(given)} answers, expected {len(question.probabilities)}"]
    pairs = enumerate(zip(given, question.probabilities, strict=True))
    return [
        f"{path}, row {place}: {found:.6f}, expected {known:.6f}"
        for place, (found, known) in pairs
        if not abs(found - known) <= tolerance  # nan is none
    ]


def recorded(service: Service, questions: list[Question]) -> Answers:
    """Return what a service answers now, to compare it with later.

    Raises:
        PipelineError: it does not answer.
    """
    made = []
    for each in questions:
        reply = service.ask(each.path, each.body)
        if reply.status == 200:
            made.append(Question(each.path, each.body, probabilities(each.path, reply.body)))
    return Answers(version_of(service), made)


def version_of(service: Service) -> str:
    """Return the version of the bundle that a service serves.

    Raises:
        PipelineError: it does not say.
    """
    reply = service.ask("/model")
    try:
        return str(msgspec.json.decode(reply.body)["version"])
    except (msgspec.MsgspecError, LookupError, TypeError):
        raise PipelineError(f"{service.url}/model: names no version: {reply}") from None
