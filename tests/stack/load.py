"""Callers who ask without end, and what did not go well."""

import http.client
import itertools
import json
import threading
import time
from typing import Self

from tests.serving.hostile.servers import ORDINARY

HOST = "127.0.0.1"
_PAUSE = 0.01
_PATHS = ("/rank", "/predict", "/events")


class Load:
    """Some callers: half of them keep their connection as long as they may, half make new ones.

    Args:
        port: whom they ask.
        callers: how many.

    Attributes:
        answered: how many requests were answered with 200.
        failed: of the others, what happened.
        lost: events of answers with 200 that were not said to be recorded.
    """

    def __init__(self, port: int, callers: int = 4) -> None:
        self.answered = 0
        self.failed: list[str] = []
        self.lost: list[str] = []
        self._port, self._end = port, threading.Event()
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        keeps = [number % 2 == 0 for number in range(callers)]
        self._threads = [threading.Thread(target=self._call, args=[kept]) for kept in keeps]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(60)

    def go_on(self, seconds: float) -> None:
        """Let them ask for a while."""
        time.sleep(seconds)

    def _call(self, keeps: bool) -> None:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=20)
        for path in itertools.cycle(_PATHS):
            if self._end.wait(_PAUSE):
                connection.close()
                return
            try:
                connection.request("POST", path, json.dumps(self._body(path)), _HEADERS)
                answer = connection.getresponse()
                self._note(path, answer.status, answer.read())
                if not keeps:
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._note(path, 0, repr(error).encode())

    def _body(self, path: str) -> object:
        if path != "/events":
            return ORDINARY[path]
        with self._lock:
            number = next(self._numbers)
        one = {"type": "impression", "display_id": f"load-{number}", "uuid": "u1", "ad": 101}
        return {"events": [{**one, "platform": "mobile", "price": 1.0}]}

    def _note(self, path: str, status: int, said: bytes) -> None:
        with self._lock:
            if status != 200:
                self.failed.append(f"{path}: {status} {said[:200]!r}")
                return
            self.answered += 1
            if path == "/events" and json.loads(said)["impressions"] != 1:
                self.lost.append(repr(said))


_HEADERS = {"content-type": "application/json"}
