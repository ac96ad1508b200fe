"""``python -m clickthrough`` and ``clickthrough`` are the command line."""

import os
import signal
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C is one word also while Python imports, and while it ends."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as nohup and scripts ask for
        from clickthrough.cli import main as run

        run()
        return
    signal.signal(signal.SIGINT, _end)
    from clickthrough.cli import main as run

    try:
        run()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done


def _end(number: int, frame: FrameType | None) -> None:
    """End at once: nothing was begun, so nothing is left behind."""
    os.write(2, b"interrupted\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
