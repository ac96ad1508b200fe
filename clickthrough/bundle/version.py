"""The version of a bundle: a name of what scores, so that equal training runs have equal ones."""

import json
from collections.abc import Mapping

from clickthrough.bundle import layout
from clickthrough.bundle.manifest import digest_of
from clickthrough.config.root import Config

_APART = {layout.CONFIG, layout.METRICS, layout.MANIFEST}
"""Files that hold paths, times and limits; of the configuration, what scores is added."""


def version_of(files: Mapping[str, str], config: Config) -> str:
    """Return the version of a bundle.

    Equal versions score alike. What was measured, where the log lay and what the service may be
    asked do not count: where these matter, compare ``files`` of the manifests.

    Args:
        files: path -> sha256; see :func:`clickthrough.bundle.manifest.hash_files`.
        config: its configuration.
    """
    scoring = config.model_dump(mode="json", include={"features", "counters", "model"})
    counted = {name: sha256 for name, sha256 in files.items() if name not in _APART}
    return digest_of(json.dumps([counted, scoring, config.data.timezone], sort_keys=True))
