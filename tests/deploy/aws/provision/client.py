"""A client that answers what a test says."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from deploy.aws.provision.account import Account

Answer = dict[str, Any]


class Client:
    """Answers each operation with the next of its answers, and the last one for ever.

    Args:
        answers: of each operation; an exception is raised.

    Attributes:
        asked: operations in order, with what they were asked.
    """

    def __init__(self, **answers: list[Answer | Exception]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, Answer]] = []

    def __getattr__(self, operation: str) -> Callable[..., Answer]:
        def call(**asked: object) -> Answer:
            self.asked.append((operation, asked))
            answers = self._answers.get(operation, [{}])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def answer(self, operation: str, answers: list[Answer | Exception]) -> None:
        """Let an operation be answered otherwise from now on."""
        self._answers[operation] = answers

    def get_paginator(self, operation: str) -> "_Pages":
        """Return what asks for pages, of which there is one."""
        return _Pages(getattr(self, operation))

    def operations(self) -> list[str]:
        """Return what was asked, in order."""
        return [operation for operation, _ in self.asked]


class FakeAccount(Account):
    """An account that has the clients that a test gives it."""

    def __init__(self, **clients: Client) -> None:
        self._clients = clients

    def client(self, service: str) -> Client:
        """Return the client of a service."""
        return self._clients[service]


class _Pages:
    def __init__(self, call: Callable[..., Answer]) -> None:
        self._call = call

    def paginate(self, **asked: object) -> Iterator[Answer]:
        yield self._call(**asked)


def refusal(code: str, message: str = "") -> ClientError:
    """Return a refusal of AWS."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")
