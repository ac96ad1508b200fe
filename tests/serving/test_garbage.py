"""What was loaded is not looked at again and again."""

import gc
import threading
from pathlib import Path

from fastapi.testclient import TestClient

from clickthrough.serving.app import create_app
from clickthrough.serving.garbage import loaded_anew, loaded_for_good


def test_what_is_loaded_is_frozen_while_the_service_lives(bundle_path: Path) -> None:
    app = create_app(bundle_path, "memory")
    assert gc.get_freeze_count() == 0
    with TestClient(app):
        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() == 0


class Ring:
    """Garbage that only a collection finds."""

    ended = 0

    def __init__(self) -> None:
        self.own = self

    def __del__(self) -> None:
        Ring.ended += 1


def test_what_a_reload_leaves_is_collected_and_what_it_loads_is_frozen() -> None:
    ring = Ring()
    with loaded_for_good():
        del ring
        gc.collect()
        assert Ring.ended == 0  # frozen
        loaded_anew()
        assert Ring.ended == 1
        assert gc.get_freeze_count() > 0
    loaded_anew()
    assert gc.get_freeze_count() == 0


def test_a_service_that_ends_while_a_reload_collects_leaves_nothing_frozen() -> None:
    collecting, ended = threading.Event(), threading.Event()

    def linger(phase: str, _: dict[str, int]) -> None:
        if phase == "start" and threading.current_thread() is reload:
            collecting.set()
            ended.wait(0.2)

    reload = threading.Thread(target=loaded_anew)
    gc.callbacks.append(linger)
    try:
        with loaded_for_good():
            reload.start()
            assert collecting.wait(5)
        ended.set()
        reload.join(5)
    finally:
        gc.callbacks.remove(linger)
    assert gc.get_freeze_count() == 0


def test_of_two_services_the_first_to_end_lets_go_of_nothing() -> None:
    with loaded_for_good():
        with loaded_for_good():
            pass
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0
