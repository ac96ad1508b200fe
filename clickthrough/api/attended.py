"""A command that ends with the program which started it: ``python -m clickthrough.api.attended``.

Its standard input is a pipe that nobody writes to; the pipe closes when that program ends, however
it ends, and the command is then asked to end as by SIGTERM.
"""

import os
import signal
import sys
import threading

from clickthrough.cli import main


def _end_with_the_input() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    main()
