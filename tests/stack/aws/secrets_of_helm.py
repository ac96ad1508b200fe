"""Secrets, in which helm keeps its releases: written in protobuf, answered in JSON."""

import base64
from collections.abc import Iterator
from typing import Any

from aiohttp import web

_PATH = "/secrets"
_MAGIC = b"k8s\x00"


class Secrets:
    """The secrets of all namespaces."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}

    async def answer(self, request: web.BaseRequest) -> web.Response | None:
        """Answer a request for secrets; None where it is one for something else."""
        if not request.path.startswith("/api/v1/") or _PATH not in request.path:
            return None
        name = request.path.partition(f"{_PATH}/")[2]
        if request.method in {"POST", "PUT"}:
            secret = _secret(await request.read())
            self._kept[secret["metadata"]["name"]] = secret
            return web.json_response(secret)
        if not name:
            return web.json_response(self._listed(request.query.get("labelSelector", "")))
        if name not in self._kept:
            return web.json_response(_missing(name), status=404)
        found = self._kept.pop(name) if request.method == "DELETE" else self._kept[name]
        return web.json_response(found)

    def _listed(self, selector: str) -> dict[str, Any]:
        """Return the secrets that have all labels of a selector."""
        wanted = dict(each.split("=", 1) for each in selector.split(",") if each)
        found = [
            each
            for each in self._kept.values()
            if wanted.items() <= each["metadata"]["labels"].items()
        ]
        return {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": found}


def _missing(name: str) -> dict[str, Any]:
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound"}
    return told | {"code": 404, "message": f'secrets "{name}" not found', "details": {}}


def _secret(body: bytes) -> dict[str, Any]:
    """Read a secret as protobuf of Kubernetes writes it."""
    assert body.startswith(_MAGIC), body[:20]
    (raw,) = [value for number, value in _fields(body[len(_MAGIC) :]) if number == 2]
    fields = list(_fields(raw))
    (metadata,) = [value for number, value in fields if number == 1]
    about = list(_fields(metadata))
    data = dict(_pair(value) for number, value in fields if number == 2)
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "name": next(value.decode() for number, value in about if number == 1),
            "namespace": "kube-system",
            "labels": {
                key: text.decode()
                for key, text in (_pair(v) for number, v in about if number == 11)
            },
        },
        "type": "helm.sh/release.v1",
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def _pair(entry: bytes) -> tuple[str, bytes]:
    """Read an entry of a map."""
    found = dict(_fields(entry))
    return found[1].decode(), found.get(2, b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers and bytes of a message's fields; those of other kinds are left out."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        value, at = _number(message, at)
        if tag & 7 == 2:
            yield tag >> 3, message[at : at + value]
            at += value


def _number(message: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length; return it and where the next thing begins."""
    value = shift = 0
    while True:
        value |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 128:
            return value, at
