"""A cloud on this machine, and the commands and programs that work in it."""

import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from tests.conftest import ROOT
from tests.deploy.aws.stacks import given
from tests.lacking import lacking
from tests.ports import free_port
from tests.waiting import in_time

Json = Any
"""What a program or a service answers."""
REGION = "eu-central-1"
ADDRESS = "PublicAccessCidrs=198.51.100.7/32"
_IMAGE = given()["NodeImage"].replace(given()["KubernetesVersion"], "1.36")
NOT_THERE = ("--set", "KubernetesVersion=1.36", "--set", f"NodeImage={_IMAGE}")
"""A version whose image is not there."""
GROUP = "AWS::AutoScaling::AutoScalingGroup"
TOOLS = ROOT / ".venv" / "aws" / "bin"
_HOST = "127.0.0.1"


@dataclass
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass
class Cloud:
    """A local AWS, and the API server of the cluster that it makes.

    Attributes:
        aws_port: where AWS answers.
        kubernetes_port: where the API server does.
        folder: for files of this cloud.
    """

    aws_port: int
    kubernetes_port: int
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables for programs that shall work here, none of which leads elsewhere."""
        kept = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
        return kept | {
            "PATH": f"{TOOLS}:/usr/bin:/bin",
            "AWS_ENDPOINT_URL": f"http://{_HOST}:{self.aws_port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": str(self.folder / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "HELM_CACHE_HOME": str(self.folder / "helm"),
            "HELM_CONFIG_HOME": str(self.folder / "helm"),
            "HELM_DATA_HOME": str(self.folder / "helm"),
        }

    def command(self, name: str, *arguments: str, **variables: str) -> Done:
        """Run deploy/aws/up or down."""
        return self._run(
            sys.executable, str(ROOT / "deploy" / "aws" / name), *arguments, **variables
        )

    def up(self, *arguments: str) -> Done:
        """Run deploy/aws/up as one who was asked and agreed."""
        charts = ("--charts", str(self.folder / "charts.yaml"))
        return self.command("up", "--yes", "--set", ADDRESS, *charts, *arguments)

    def down(self, *arguments: str) -> Done:
        """Run deploy/aws/down as one who was asked and agreed."""
        return self.command("down", "--yes", *arguments)

    def cli(self, *arguments: str) -> Json:
        """Run the AWS CLI and return what it prints."""
        done = self._run("aws", *arguments, "--region", REGION, "--output", "json")
        assert done.status == 0, done.err
        return json.loads(done.out or "null")

    def _run(self, *command: str, **variables: str) -> Done:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=self.environment | variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def client(self, service: str, region: str = REGION) -> Json:
        """Return a client of a service of the local AWS."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://{_HOST}:{self.aws_port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - any will do
        )

    def kubernetes(self, method: str, path: str, body: object = None) -> Json:
        """Ask the API server; 404 is None."""
        answer = httpx.request(
            method,
            f"https://{_HOST}:{self.kubernetes_port}{path}",
            json=body,
            verify=ssl.create_default_context(cafile=self.folder / "certificate.pem"),
            timeout=10,
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.json()

    def add(self, path: str, kind: str, name: str, **fields: object) -> None:
        """Create an object of Kubernetes."""
        space = (
            path.split("/namespaces/")[1].split("/", maxsplit=1)[0]
            if "/namespaces/" in path
            else None
        )
        metadata = {"name": name} | ({"namespace": space} if space else {})
        metadata |= dict(fields.pop("metadata", {}))  # type: ignore[call-overload]
        body = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}
        self.kubernetes("POST", path, body)

    def add_nodes(self, *names: str) -> None:
        """Let nodes join the cluster."""
        ready = [{"type": "Ready", "status": "True"}]
        for name in names:
            self.add("/api/v1/nodes", "Node", name, status={"conditions": ready})

    def chart_values(self, name: str) -> Json:
        """Return what a chart was given, as helm kept it."""
        config = str(self.folder / "kubeconfig")
        named = ("--name", "clickthrough", "--region", REGION, "--kubeconfig", config)
        assert self._run("aws", "eks", "update-kubeconfig", *named).status == 0
        space = ("--namespace", "kube-system", "--output", "json")
        done = self._run("helm", "get", "values", name, *space, KUBECONFIG=config)
        assert done.status == 0, done.err
        return json.loads(done.out)

    def fail(self, kind: str) -> None:
        """Let a type of resource fail to be made from now on; again, let it be made."""
        self.kubernetes("POST", f"/fail/{kind}")

    def silence(self) -> None:
        """Let the API server refuse everybody from now on."""
        self.kubernetes("POST", "/silence")

    def stacks(self) -> dict[str, str]:
        """Return the stacks that are there, with their states."""
        told = self.cli("cloudformation", "describe-stacks")["Stacks"]
        return {each["StackName"]: each["StackStatus"] for each in told}


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """Start a cloud of one's own, on the loopback interface."""
    program = TOOLS / "python"
    if not program.exists():
        lacking("no local AWS: make .venv/.scanners")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    _certify(certificate, key)
    made = Cloud(free_port(), free_port(), folder)
    script = str(ROOT / "tests" / "stack" / "aws" / "local_aws.py")
    ports = (str(made.aws_port), str(made.kubernetes_port))
    command = [str(program), script, *ports, str(certificate), str(key)]
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "MINISTACK_HOST": _HOST}
    with (folder / "cloud.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=variables, cwd=folder)
    try:
        in_time(lambda: _answers(made, process), 60, (folder / "cloud.log").read_text)
        yield made
    finally:
        process.kill()
        process.wait(30)


def _certify(certificate: Path, key: Path) -> None:
    """Make a certificate for the loopback interface, which is its own authority."""
    if shutil.which("openssl") is None:
        lacking("no openssl")
    subject = ("-subj", "/CN=local", "-addext", f"subjectAltName=IP:{_HOST}")
    files = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            *subject,
            *files,
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )


def _answers(made: Cloud, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "it ended"
    try:
        made.client("sts").get_caller_identity()
        return made.kubernetes("GET", "/version") is not None
    except Exception:
        return False
