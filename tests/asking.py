"""One request to a service on a port of the loopback, on a connection of its own."""

import http.client
import json

HOST = "127.0.0.1"


def ask(port: int, path: str, body: object = None, seconds: float = 30) -> tuple[int, bytes]:
    """Ask; return the status and the body of the answer.

    Args:
        port: where the service listens.
        path: what is asked: GET, or POST where there is a body.
        body: is sent as JSON.
        seconds: for each step of the connection.

    Raises:
        OSError: nobody answers.
        http.client.HTTPException: the answer is none.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        text = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json"}
        connection.request("GET" if text is None else "POST", path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
