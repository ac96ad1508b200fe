"""``python deploy/ci VERB``: the checkout that this file lies in, whatever else is installed."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from deploy.ci.cli import main

    sys.exit(main(sys.argv[1:]))
