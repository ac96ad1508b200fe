"""Stands between a store and its server, and makes answers late."""

import socket
import threading
import time
from contextlib import suppress
from typing import Self


class SlowProxy:
    """Passes bytes on; answers come in pieces of so many bytes, each so many seconds late.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self.delay, self.piece = 0.0, 65_536
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])

    def start(self) -> Self:
        """Take connections."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def end(self) -> None:
        """Take no more."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server))
                except OSError:  # the server is away: so is this
                    client.close()
                    continue
                for source, sink, late in ((client, server, False), (server, client, True)):
                    threading.Thread(
                        target=self._pass_on, args=(source, sink, late), daemon=True
                    ).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, late: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                for start in range(0, len(data), self.piece if late else len(data)):
                    if late and self.delay:
                        time.sleep(self.delay)
                    sink.sendall(data[start : start + self.piece] if late else data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
