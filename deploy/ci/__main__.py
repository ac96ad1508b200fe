"""``python deploy/ci VERB``: the checkout that this file lies in, whatever else is installed."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    try:
        from deploy.ci.cli import main
    except ModuleNotFoundError as error:
        where = "into the environment that is active"
        sys.stderr.write(f"error: no package {error.name}: pip install . {where}\n")
        sys.exit(2)

    sys.exit(main(sys.argv[1:]))
