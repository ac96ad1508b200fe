"""From the start of the process to the first 200 of /health/ready.

    python benchmarks/start.py --rounds 5

The synthetic bundle of served_bundle.py: thirty vocabularies of 100,000 values, 190 MB of weights,
hashes verified. The best of several starts.
"""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from served_bundle import make_bundle
from servers import service, settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        took = []
        for _ in range(chosen.rounds):
            with service(None, settings(bundle)) as running:
                took.append(running.ready)
    Console().print(
        f"start to ready: {min(took):.2f} s, of {', '.join(f'{one:.2f}' for one in took)}"
    )


if __name__ == "__main__":
    main()
