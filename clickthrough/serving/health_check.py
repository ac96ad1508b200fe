"""``python -m clickthrough.serving.health_check``: exit 0 where the service here is alive.

For the health check of a container, whose image holds no other program.
"""

import http.client
import os
import sys

from clickthrough.errors import ClickthroughError
from clickthrough.serving.listening import port_of

_SECONDS = 2.0


def main() -> int:
    """Ask ``/health/live`` on ``CTR_PORT``; return the exit status."""
    try:
        port = port_of(os.environ.get("CTR_PORT") or 8000, "CTR_PORT")
    except ClickthroughError as error:
        print(error, file=sys.stderr)
        return 1
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", "/health/live")
        answer = connection.getresponse()
        print(answer.status, answer.read(1_000).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        print(f"port {port}: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
