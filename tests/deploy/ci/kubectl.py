"""A kubectl that stands for a cluster: it keeps revisions, each of which a port here serves."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.deploy.ci.verbs import environment, program
from tests.lacking import lacking

NAMESPACE = "ctr-staging"
OLD, NEW, NEWER = 1, 2, 3
"""Images: what is deployed, what is released, and what after it."""
_DIGITS = "0123456789abcdef"

_PROGRAM = """
import json, os, signal, subprocess, sys, time, urllib.request
from pathlib import Path

PLACE = Path(__file__).parent / "cluster.json"
STATE = json.loads(PLACE.read_text())
words = [word for word in sys.argv[1:] if not word.startswith("--namespace=")]
with (PLACE.parent / "asked.log").open("a") as log:
    log.write(" ".join(words) + "\\n")

def end(text):
    sys.exit("error: " + text)

def write():
    PLACE.with_suffix(".new").write_text(json.dumps(STATE))
    PLACE.with_suffix(".new").replace(PLACE)

def change(template):
    # what a PATCH does at once; the rest is the controller's
    if template != STATE["template"]:
        STATE["generation"] += 1
    STATE["template"] = template
    write()
    if not STATE.get("late"):
        control()

def control():
    # as the controller numbers: what comes again gets a new number, and its old one is gone
    sets, template = STATE["sets"], STATE["template"]
    last = max([each["revision"] for each in sets], default=0)
    found = [each for each in sets if each["template"] == template]
    if not found:
        sets.append({"revision": last + 1, "template": template})
    elif found[0]["revision"] != last:
        found[0]["revision"] = last + 1
    STATE["revision"] = max(each["revision"] for each in sets)
    STATE["observed"] = STATE["generation"]
    write()

def now():
    return STATE["template"]["spec"]["containers"][0]["image"]

def replica_set(each):
    own, template = "ctr-service-%d" % each["revision"], json.loads(json.dumps(each["template"]))
    template.setdefault("metadata", {}).setdefault("labels", {})["pod-template-hash"] = own
    told = {"deployment.kubernetes.io/revision": str(each["revision"])}
    owners = [{"kind": "Deployment", "name": "ctr-service"}]
    return {"metadata": {"name": own, "annotations": told, "ownerReferences": owners},
            "spec": {"template": template}}

def looks():
    # how often pods were asked for
    return (PLACE.parent / "asked.log").read_text().count("get pods")

def is_ready():
    turned = STATE.get("turns") == now() and looks() > 3
    return not (turned or now() in STATE["unready"])

def restarts():
    told = STATE["restarts"].get(now(), 0)
    return looks() if told == "grows" else told

def port():
    return STATE["ports"][now()]

if words[0] == "kustomize":
    os.execv(STATE["kubectl"], ["kubectl", *words])
if STATE.get("away"):
    end("The connection to the server was refused")
# once for each, while it is watched
for left in STATE.get("stumbles", []):
    begins = left.split()
    if words[: len(begins)] == begins and looks() > 1:
        STATE["stumbles"].remove(left)
        write()
        end("stumbled")
if words[:2] == ["get", "namespace"]:
    if words[2] != STATE["namespace"]:
        end('(NotFound): namespaces "%s" not found' % words[2])
    print(json.dumps({"metadata": {"name": words[2], "labels": STATE["labels"]}}))
elif words[:2] == ["get", "deployment"]:
    if STATE["template"]:
        told = {"deployment.kubernetes.io/revision": str(STATE["revision"])}
        whole = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
        print(json.dumps({
            "metadata": {"name": words[2], "annotations": told, "generation": STATE["generation"]},
            "spec": {"template": STATE["template"]},
            "status": {**whole, "observedGeneration": STATE["observed"]},
        }))
elif words[:2] == ["get", "replicasets"]:
    other = {"metadata": {"name": "other"}, "spec": {"template": STATE["template"]}}
    print(json.dumps({"items": [other, *map(replica_set, STATE["sets"])]}))
elif words[0] == "apply":
    items = json.load(sys.stdin)["items"]
    (PLACE.parent / "applied.json").write_text(json.dumps(items))
    if STATE.get("refuses"):
        end("the server refuses it")
    (own,) = [item for item in items if item["kind"] == "Deployment"]
    if STATE.pop("belated", False):  # it comes once somebody looks at the service again
        STATE["pending"] = own["spec"]["template"]
        write()
        end("the connection was lost")
    change(own["spec"]["template"])
    if STATE.get("lingers"):
        time.sleep(60)
elif words[:2] == ["rollout", "status"]:
    control()
    if now() in STATE["unready"]:
        end("timed out waiting for the condition")
    if now() in STATE["slow"]:
        time.sleep(60)
elif words[:2] == ["rollout", "undo"]:
    number = int(words[-1].partition("=")[2])
    found = [each["template"] for each in STATE["sets"] if each["revision"] == number]
    if not found:
        end("unable to find specified revision %d in history" % number)
    change(found[0])
elif words[:2] == ["get", "pods"]:
    ready = "True" if is_ready() else "False"
    waits = {} if ready == "True" else {"waiting": {"reason": "ImagePullBackOff"}}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}],
              "containerStatuses": [{"ready": True, "state": waits,
                                     "restartCount": restarts()}]}
    name = "ctr-service-%d-a" % STATE["revision"]
    old = {"metadata": {"name": "old", "deletionTimestamp": "2024-01-01"}, "status": {}}
    print(json.dumps({"items": [{"metadata": {"name": name}, "status": status}, old]}))
elif words[:2] == ["get", "--raw"]:
    assert words[2].endswith(":8000/proxy/metrics"), words
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port()) as answer:
        sys.stdout.write(answer.read().decode())
elif words[0] == "port-forward":
    print("Forwarding from 127.0.0.1:%d -> 8000" % port(), flush=True)
    if "pending" in STATE:
        change(STATE.pop("pending"))
    signal.pause()
else:
    end("unknown: " + " ".join(words))
"""


def image(number: int) -> str:
    """Return the name of an image by digest."""
    repository = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ctr-service"
    return f"{repository}@sha256:{_DIGITS[number] * 64}"


BALANCED = "elbv2.k8s.aws/pod-readiness-gate-inject"
LABELS = {BALANCED: "enabled"} | {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}
"""Those of the namespace."""


class Standin:
    """The stand-in, and what it keeps.

    Args:
        folder: where it lies.
    """

    def __init__(self, folder: Path) -> None:
        found = shutil.which("kubectl")
        if found is None:
            reason = (
                "no kubectl, which renders the manifests: https://kubernetes.io/docs/tasks/tools"
            )
            lacking(reason)
        self.folder = program(folder, "kubectl", _PROGRAM)
        self.keep(
            kubectl=found, namespace=NAMESPACE, revision=0, sets=[], template=None, ports={},
            labels=LABELS, generation=0, observed=0, unready=[], slow=[], restarts={},
        )  # fmt: skip

    def keep(self, **values: object) -> None:
        """Change what it keeps."""
        file = self.folder / "cluster.json"
        before = json.loads(file.read_text()) if file.exists() else {}
        new = file.with_suffix(".new")
        new.write_text(json.dumps({**before, **values}))
        new.replace(file)

    def serves(self, number: int, port: int) -> None:
        """Say at which port pods of an image answer."""
        self.keep(ports={**self.kept()["ports"], image(number): port})

    def deployed(self, number: int) -> None:
        """Let an image be what is deployed."""
        own = {"name": "ctr-service", "image": image(number)}
        template = {"spec": {"containers": [own]}}
        sets = [{"revision": 1, "template": template}]
        self.keep(template=template, sets=sets, revision=1, generation=1, observed=1)

    def kept(self) -> dict[str, Any]:
        """Return what it keeps."""
        return dict(json.loads((self.folder / "cluster.json").read_text()))

    def current(self) -> str:
        """Return the image that serves."""
        (own,) = self.kept()["template"]["spec"]["containers"]
        return str(own["image"])

    def stumbling(self) -> list[str]:
        """Return what it has not failed at yet, of what it is to fail at once."""
        return list(self.kept()["stumbles"])

    def asked(self) -> list[str]:
        """Return what it was asked."""
        file = self.folder / "asked.log"
        return file.read_text().splitlines() if file.exists() else []

    def applied(self) -> list[dict[str, Any]]:
        """Return what was applied last."""
        return list(json.loads((self.folder / "applied.json").read_text()))

    def env(self) -> dict[str, str]:
        """Return an environment in which it is kubectl."""
        return environment(self.folder)
