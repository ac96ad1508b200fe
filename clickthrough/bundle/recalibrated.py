"""A bundle with another calibrator: all else is taken over from an older one, file by file."""

import shutil
from pathlib import Path
from typing import Any

from clickthrough.beside import written_beside
from clickthrough.bundle import layout
from clickthrough.bundle.load import Bundle
from clickthrough.bundle.manifest import Manifest
from clickthrough.bundle.save import kept_settings, refuse_to_replace, seal, write_json
from clickthrough.calibration import Calibrator
from clickthrough.config.root import Config
from clickthrough.errors import BundleError

_ANEW = {layout.CALIBRATOR, layout.CONFIG, layout.METRICS}


def save_recalibrated(
    target: Path, bundle: Bundle, config: Config, calibrator: Calibrator, metrics: dict[str, Any]
) -> Manifest:
    """Write a bundle that differs from another one by its calibrator, and by what goes with it.

    Args:
        target: the place; a bundle that stands there, such as the other one, is replaced.
        bundle: the other one.
        config: says how the calibrator was fitted.
        calibrator: the new one.
        metrics: of the new bundle.

    Raises:
        BundleError: the place holds something that is no bundle, it cannot be written, or the
            other bundle was replaced meanwhile.
    """
    refuse_to_replace(target)
    taken = {name: sha for name, sha in bundle.manifest.files.items() if name not in _ANEW}
    try:
        with written_beside(target) as beside:
            for name in taken:
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(bundle.path / name, beside / name)
            write_json(beside / layout.CALIBRATOR, calibrator)
            write_json(beside / layout.CONFIG, kept_settings(config))
            write_json(beside / layout.METRICS, metrics)
            old = bundle.manifest
            manifest = seal(beside, config, old.counters, old.counters_until)
            if not taken.items() <= manifest.files.items():
                raise BundleError(f"{bundle.path}: was replaced meanwhile; start again")
    except OSError as error:
        raise BundleError(f"{target}: cannot be written: {error}") from None
    return manifest
