"""A service that answers what is known, and turns bad when it is told to."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from clickthrough.serving.metrics import Metrics
from deploy.ci.answers import Answers, Question
from deploy.ci.errors import PipelineError
from deploy.ci.service import Service

Mood = Literal["good", "wrong", "slow", "errors", "refusing", "unready", "away", "open"]


class Stand(ThreadingHTTPServer):
    """A service.

    Args:
        answers: what it answers.
        mood: how it is.

    Attributes:
        turns: after so many requests that are scored, how it becomes.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answers: Answers, mood: Mood = "good") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.mood = answers, mood
        self.turns: tuple[int, Mood] | None = None
        self.metrics = Metrics(answers.version, dict)
        self._asked = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def mood_now(self) -> Mood:
        """Count a request; return how it is answered."""
        with self._lock:
            if self.turns is not None and next(self._asked) > self.turns[0]:
                self.mood = self.turns[1]
            return self.mood

    def count(self, path: str, status: int, seconds: float) -> None:
        """Count an answer."""
        with self._lock:
            self.metrics.answered(path, status, seconds)

    def known(self, path: str, body: object) -> Question | None:
        """Return what is known of a request."""
        found = [q for q in self.answers.questions if (q.path, q.body) == (path, body)]
        return found[0] if found else None


class _Handler(BaseHTTPRequestHandler):
    """Answers requests."""

    server: Stand

    def do_GET(self) -> None:
        path, mood = self.path, self.server.mood
        if path == "/metrics":
            self._reply(200, self.server.metrics.text())
        elif path == "/health/ready":
            self._reply(503 if mood == "unready" else 200, b"{}")
        elif path == "/health":
            store = "away" if mood == "away" else "ok"
            self._reply(200, json.dumps({"status": "ok", "store": store}).encode())
        else:
            self._reply(200, json.dumps({"version": self.server.answers.version}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        question = self.server.known(self.path, body)
        if question is None:
            self._reply(200 if self.server.mood == "open" else 422, b"{}")
            return
        mood, began = self.server.mood_now(), time.monotonic()
        if mood == "slow":
            time.sleep(0.1)
        status = {"errors": 500, "refusing": 503}.get(mood, 200)
        off = 0.01 if mood == "wrong" else 0.0
        self.server.count(self.path, status, time.monotonic() - began)
        self._reply(status, json.dumps(_answer(question, self.server.answers, off)).encode())

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _answer(question: Question, answers: Answers, off: float) -> dict[str, Any]:
    """Return the answer to a request as the service gives it."""
    rows: list[dict[str, Any]] = [
        {"request_id": "r", "item": None, "probability": value + off, "logit": 0.0, "missing": [],
         "unseen": [], "candidate": place}
        for place, value in enumerate(question.probabilities)
    ]  # fmt: skip
    said = {"ignored": [], "version": answers.version}
    if question.path == "/predict":
        return {"predictions": [{k: v for k, v in r.items() if k != "candidate"} for r in rows],
                **said}  # fmt: skip
    return {"request_id": "r", "ranking": rows[::-1], **said}


@contextmanager
def standing(answers: Answers, mood: Mood = "good") -> Iterator[Stand]:
    """Run a service until the end of the block."""
    with Stand(answers, mood) as made:
        thread = threading.Thread(target=made.serve_forever, args=[0.02])
        thread.start()
        yield made
        made.shutdown()
        thread.join(30)


@contextmanager
def callers(stand: Stand) -> Iterator[None]:
    """Ask a service without end, by several callers, as long as it is there."""
    ended, question = threading.Event(), stand.answers.questions[0]

    def ask() -> None:
        with suppress(PipelineError):
            while not ended.wait(0.005):
                Service(stand.url).ask(question.path, question.body)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(30)
