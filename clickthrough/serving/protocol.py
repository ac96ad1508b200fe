"""Refusing before anything is made of a request: HTTP/1.1 for uvicorn.

    uvicorn app:app --http clickthrough.serving.protocol:Shedding

Reading the head of a request and answering it takes uvicorn about as long as a small body takes to
be scored, so a service that refuses in the ordinary way can be kept busy by refusing. While the
queue is full this protocol answers 503 to what it can see to be one whole request for a score,
without parsing it. All else goes the ordinary way, and so does everything while there is room.
Refusals do not appear in the access log.
"""

import json
import re

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from clickthrough.serving.waiting import FULL, REFUSES

_ASKS = re.compile(rb"POST /(?:predict|rank) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
_UNUSUAL = re.compile(rb"\r\n(?:connection|expect|transfer-encoding|upgrade):", re.IGNORECASE)
_END = b"\r\n\r\n"
_BODY = json.dumps({"detail": FULL}).encode()
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


class Shedding(H11Protocol):
    """Uvicorn's own protocol, but for requests that are refused."""

    def data_received(self, data: bytes) -> None:
        """Refuse, or read as ever."""
        refuses = self.app_state.get(REFUSES)
        if refuses is None or not self._between_requests() or not asks_for_scores(data):
            super().data_received(data)
        elif refuses():
            self._unset_keepalive_if_required()
            self.transport.write(_REFUSAL)
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            super().data_received(data)

    def _between_requests(self) -> bool:
        idle = self.conn.our_state is h11.IDLE and self.conn.their_state is h11.IDLE
        return idle and self.conn.trailing_data == (b"", False)


def asks_for_scores(data: bytes) -> bool:
    """Say whether bytes are exactly one request for scores, of the plainest form."""
    if not _ASKS.match(data):
        return False
    end = data.find(_END)
    length = _LENGTH.search(data, 0, end + 2)
    if end < 0 or length is None or _UNUSUAL.search(data, 0, end + 2):
        return False
    return len(data) == end + len(_END) + int(length[1])
