"""What was loaded is not looked at again and again."""

import gc
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
