"""A repository of charts on the loopback interface: the real names and versions, and no more."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from deploy.aws.provision.charts import FILE
from tests.stack.aws.cloud import TOOLS


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def repository(folder: Path) -> Iterator[Path]:
    """Serve stand-ins of the charts; yield the file that names them there."""
    text = FILE.read_text()
    named = yaml.safe_load(text)
    place = folder / "repository"
    for name, each in named.items():
        _package(folder / "sources" / name, name, each["version"], place)
    _helm("repo", "index", str(place))
    handler = partial(_Quiet, directory=str(place))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for each in named.values():
        text = text.replace(each["repository"], f"http://127.0.0.1:{server.server_port}")
    (folder / "charts.yaml").write_text(text)
    try:
        yield folder / "charts.yaml"
    finally:
        server.shutdown()
        server.server_close()


def _package(source: Path, name: str, version: str, place: Path) -> None:
    source.mkdir(parents=True)
    (source / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")
    _helm("package", str(source), "--destination", str(place))


def _helm(*arguments: str) -> None:
    subprocess.run([str(TOOLS / "helm"), *arguments], check=True, capture_output=True, timeout=60)
