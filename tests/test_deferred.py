"""What must not be left half done is done before a signal takes effect."""

import signal
import subprocess
import sys
import threading

import pytest

from clickthrough.cli.signals import Terminated, heard
from clickthrough.deferred import deferred

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

RAISED = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


@pytest.mark.parametrize("number", RAISED)
def test_a_signal_takes_effect_after_the_block(number: signal.Signals) -> None:
    done = []
    with heard(), pytest.raises(RAISED[number]):
        with deferred():
            signal.raise_signal(number)
            done.append("within")
        done.append("after")
    assert done == ["within"]


def test_what_fails_within_ends_by_the_signal_all_the_same() -> None:
    with heard(), pytest.raises(Terminated) as raised, deferred():
        signal.raise_signal(signal.SIGTERM)
        raise OSError("no room")
    assert isinstance(raised.value.__context__, OSError)


def test_former_handlers_are_back() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with deferred(), deferred():
        pass
    assert [signal.getsignal(number) for number in numbers] == before


def test_blocks_within_blocks_end_with_the_outermost() -> None:
    done = []
    with heard(), pytest.raises(Terminated):
        with deferred():
            with deferred():
                signal.raise_signal(signal.SIGTERM)
            done.append("outer")
        done.append("after")
    assert done == ["outer"]


def test_another_thread_hears_of_no_signal() -> None:
    failed = []

    def work() -> None:
        try:
            with deferred():
                pass
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failed == []


def test_what_ends_a_process_without_python_does_so_at_once() -> None:
    code = (
        "import os, signal\nfrom clickthrough.deferred import deferred\n"
        "with deferred():\n    os.kill(os.getpid(), signal.SIGTERM)\n    print('still here')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")
