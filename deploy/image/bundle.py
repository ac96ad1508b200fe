"""Put a bundle into the image, if it is whole; otherwise say what to do.

``python3 bundle.py NAME CONTEXT PLACE``; an empty name leaves an empty place, to be mounted over.
"""

import shutil
import sys
from pathlib import Path

from clickthrough.bundle import load_bundle
from clickthrough.errors import ClickthroughError

HELP = """
What to do, one of:
  make demo SERVE=0                        a bundle of a simulated log, in models/; or your own:
  clickthrough train CONFIG                both leave it where the build looks for it
  docker build --build-arg BUNDLE=PATH .   another one, in a directory here that is called models...
                                           or bundles...: .dockerignore lets no other through
  docker build --build-arg BUNDLE= .       none in the image: mount one at /models where it runs"""


def main(name: str, context: Path, place: Path) -> None:
    """Copy the bundle ``name`` of the context to ``place``."""
    place.mkdir()
    if not name:
        return
    try:
        shutil.copytree(context / name, place, dirs_exist_ok=True)
        load_bundle(place)
    except ClickthroughError as error:
        sys.exit(f"clickthrough: {str(error).replace(str(place), name)}\n{HELP}")
    except OSError as error:
        sys.exit(f"clickthrough: {name}: no bundle there: {error.strerror or error}\n{HELP}")
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
