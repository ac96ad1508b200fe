"""Reloading: another bundle takes over between two requests, or the old one goes on serving.

Whoever answers a request takes the predictor once and keeps it to the end, so an answer, its
version and its reasons are of one bundle. The store stays, with all that events have told it: a key
that it holds is read from it, and only keys that it does not hold fall back to the new bundle. So
the scores after a reload are those of a process started anew on the same store and bundle.
"""

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from clickthrough.bundle import layout
from clickthrough.bundle.load import Bundle, load_bundle
from clickthrough.bundle.manifest import Manifest, read_manifest
from clickthrough.config.serving import Runtime, Serving
from clickthrough.errors import BundleError, ClickthroughError
from clickthrough.serving.garbage import loaded_anew
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.settings import Overrides
from clickthrough.store import Store

_log = logging.getLogger(__name__)
_ATTEMPTS = 3
NICENESS = 10
"""Of the thread that loads: beside one that scores all the time it gets a tenth of their core."""
_PATIENCE, _SETTLING = 50, 2.0
"""Loading takes some of a core that scores; what waits then is answered in so many seconds."""


class Current:
    """The predictor that serves now, under the settings that hold now.

    Args:
        path: where its bundle lies, and where its successors will.
        store: what all of them count in.
        overrides: what goes before the settings of each bundle.

    Attributes:
        predictor: replaced by one assignment; take it once a request.
        refused: why the bundle that lies there now does not serve; None where it does.
        on_reload: told the version that took over.
    """

    def __init__(self, path: Path, store: Store, overrides: Overrides | None = None) -> None:
        self.path = path
        self.overrides = overrides or Overrides()
        self.refused: str | None = None
        self.on_reload: Callable[[str], None] = lambda version: None
        self._patient_until = 0.0
        self._one_at_a_time = threading.Lock()
        bundle = load_bundle(path, self._runtime())
        self.predictor = Predictor(bundle, store, self.overrides.over(bundle.config.serving))
        warm(self.predictor)

    @property
    def settings(self) -> Serving:
        """The settings that hold now."""
        return self.predictor.settings

    @property
    def patience(self) -> int:
        """How many times as many may wait, and as long: during a reload, rather than be refused."""
        return _PATIENCE if time.monotonic() < self._patient_until else 1

    @property
    def version(self) -> str:
        """The version of the bundle that serves."""
        return self.predictor.scorer.version

    def _runtime(self) -> Runtime | None:
        """Return what is to compute the graphs, where anybody says so beside the bundle."""
        said = self.overrides.said.get("runtime")
        return None if said is None else self.overrides.over(Serving()).runtime

    def reload(self) -> tuple[str, str]:
        """Let the bundle at the path take over; call it on a thread that does not score.

        Returns:
            The versions before and after.

        Raises:
            BundleError: the bundle cannot be used; the old one goes on serving.
        """
        with self._one_at_a_time:
            before = self.version
            self._patient_until = math.inf
            try:
                with ThreadPoolExecutor(1, "loading", _give_way) as thread:
                    self.predictor = thread.submit(self._successor).result()
            except ClickthroughError as error:
                self.refused = self._without_paths(str(error))
                _log.warning("bundle %s goes on serving: %s", before, error)
                raise
            finally:
                self._patient_until = time.monotonic() + _SETTLING
            self.refused = None
            self.on_reload(self.version)
            loaded_anew()
            _log.info("bundle %s took over from %s", self.version, before)
            return before, self.version

    def close(self) -> None:
        """Close the store, after a reload that may be under way."""
        with self._one_at_a_time:
            self.predictor.close()

    def _without_paths(self, text: str) -> str:
        """Return what strangers may read: no place of this machine."""
        for place in (self.path.resolve(), self.path.absolute(), self.path):
            text = text.replace(str(place), "the bundle")
        return text

    def _successor(self) -> Predictor:
        """Return a warm predictor of the bundle at the path, over the same store."""
        try:
            bundle = _load_whole(self.path, self._runtime())
            settings = self.overrides.over(bundle.config.serving)
            made = self.predictor.succeeded_by(bundle, settings)
            warm(made)
        except ClickthroughError:
            raise
        except Exception as error:  # whatever is wrong with it, the old one must go on
            raise BundleError(f"{self.path}: cannot be used: {error}") from error
        return made


def _give_way() -> None:
    """Let this thread, and those that it starts, run when others do not want to."""
    if sys.platform == "linux":  # elsewhere a thread has no priority that is set so
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + NICENESS)


def warm(predictor: Predictor) -> None:
    """Score as the first callers will, and look at what comes out.

    Raises:
        BundleError: it is no probability.
    """
    predictor.warm_up()
    for prediction in predictor.predict([{}, {}]).predictions:
        if not 0 < prediction.probability < 1:
            raise BundleError(
                f"{predictor.bundle.path}: an impression without fields scores "
                f"{prediction.probability}, expected a probability between 0 and 1"
            )


def _load_whole(path: Path, runtime: Runtime | None) -> Bundle:
    """Load a bundle from a place at which another may be put meanwhile.

    A bundle is renamed in as a whole: if its manifest is the same afterwards, every file was read
    from one bundle. What went wrong while it was replaced is tried again.
    """
    for _ in range(_ATTEMPTS - 1):
        folder = path.resolve()  # a link may be turned to another directory
        try:
            bundle = load_bundle(folder, runtime)
        except BundleError:
            if _stands(folder):
                raise
            continue
        if _stands(folder, bundle.manifest):
            return bundle
    return load_bundle(path.resolve(), runtime)


def _stands(folder: Path, manifest: Manifest | None = None) -> bool:
    """Say whether a bundle, or the one of that manifest, lies at a place."""
    try:
        found = read_manifest(folder)
    except BundleError:
        return (folder / layout.MANIFEST).is_file()
    return manifest is None or found == manifest
