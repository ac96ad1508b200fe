"""A local AWS and the API server of a local cluster, in one process of an environment of its own.

``python local_aws.py AWS_PORT KUBERNETES_PORT CERTIFICATE KEY``, on the loopback interface.
ministack's CloudFormation lacks seven of the types that the stacks use, while its services have
them: they are joined here. What a cloud does by itself (a load balancer for a Service, a volume for
a claim) is played by the tests.
"""

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import kmock
from aiohttp import web
from hypercorn.asyncio import serve
from hypercorn.config import Config
from kmock._internal import parsing
from ministack.app import app
from ministack.services import ec2, eks, iam, s3, ssm
from ministack.services.cloudformation import provisioners
from secrets_of_helm import Secrets

Properties = dict[str, Any]
OfTheirs = Any
"""What the packages of the other environment take and give."""
_HOST = "127.0.0.1"
_IMAGE = (
    "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/image_id"
)
_RESOURCES = Path(kmock.__file__).parent / "_internal" / "resources.json.gz"


def _answered(resource: str, answer: tuple[Any, ...]) -> str:
    """Return the body of a service's answer; what it refuses fails the resource."""
    status, body = answer[0], answer[2]
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 400:
        raise ValueError(f"{resource}: {text}")
    return text


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


def _lower(properties: Properties) -> Properties:
    """Write names as the API of EKS does: AddonName is addonName."""
    return {key[0].lower() + key[1:]: value for key, value in properties.items()} | {
        "tags": _tags(properties)
    }


def _inside(text: str, tag: str) -> str:
    """Return what an element of XML holds."""
    return text.split(f"<{tag}>")[1].split("<", maxsplit=1)[0]


def _entry_create(name: str, given: Properties, stack: str) -> tuple[str, Properties]:
    _answered(name, eks._create_access_entry(given["ClusterName"], _lower(given)))
    return f"{given['ClusterName']}|{given['PrincipalArn']}", {}


def _entry_delete(_: str, given: Properties) -> None:
    eks._delete_access_entry(given["ClusterName"], given["PrincipalArn"])


def _addon_create(name: str, given: Properties, stack: str) -> tuple[str, Properties]:
    _answered(name, eks._create_addon(given["ClusterName"], _lower(given)))
    return f"{given['ClusterName']}|{given['AddonName']}", {}


def _addon_delete(_: str, given: Properties) -> None:
    eks._delete_addon(given["ClusterName"], given["AddonName"])


def _identity_create(name: str, given: Properties, stack: str) -> tuple[str, Properties]:
    answer = eks._create_pod_identity_association(given["ClusterName"], _lower(given))
    association = json.loads(_answered(name, answer))["association"]
    return str(association["associationId"]), {"AssociationId": association["associationId"]}


def _identity_delete(physical: str, given: Properties) -> None:
    eks._delete_pod_identity_association(given["ClusterName"], physical)


def _tagged(kind: str, given: Properties) -> dict[str, str]:
    """Return tags as the API of EC2 is told them."""
    told = {"TagSpecification.1.ResourceType": kind}
    for at, (key, value) in enumerate(_tags(given).items(), 1):
        told |= {
            f"TagSpecification.1.Tag.{at}.Key": key,
            f"TagSpecification.1.Tag.{at}.Value": value,
        }
    return told


def _address_create(name: str, given: Properties, stack: str) -> tuple[str, Properties]:
    text = _answered(name, ec2._allocate_address({"Domain": "vpc"} | _tagged("elastic-ip", given)))
    allocation = _inside(text, "allocationId")
    return _inside(text, "publicIp"), {"AllocationId": allocation}


def _address_delete(physical: str, _: Properties) -> None:
    for key, address in list(ec2._addresses.items()):
        if address["PublicIp"] == physical:
            ec2._release_address({"AllocationId": key})


def _nat_create(name: str, given: Properties, stack: str) -> tuple[str, Properties]:
    asked = {"SubnetId": given["SubnetId"], "AllocationId": given["AllocationId"]}
    text = _answered(name, ec2._create_nat_gateway(asked | _tagged("natgateway", given)))
    return _inside(text, "natGatewayId"), {}


def _nat_delete(physical: str, _: Properties) -> None:
    ec2._delete_nat_gateway({"NatGatewayId": physical})


def _rule(given: Properties) -> dict[str, str]:
    return {
        "GroupId": given["GroupId"],
        "IpPermissions.1.IpProtocol": str(given["IpProtocol"]),
        "IpPermissions.1.FromPort": str(given.get("FromPort", -1)),
        "IpPermissions.1.ToPort": str(given.get("ToPort", -1)),
        "IpPermissions.1.Groups.1.GroupId": given["SourceSecurityGroupId"],
    }


def _ingress_create(name: str, given: Properties, stack: str) -> tuple[str, Properties]:
    if given["GroupId"] in ec2._security_groups:  # that of a control plane is in no list there
        _answered(name, ec2._authorize_sg_ingress(_rule(given)))
    return f"{stack}-{name}", {}


def _ingress_delete(_: str, given: Properties) -> None:
    if given["GroupId"] in ec2._security_groups:
        ec2._revoke_sg_ingress(_rule(given))


def _provider_create(name: str, given: Properties, stack: str) -> tuple[str, Properties]:
    asked = {"Url": given["Url"], "ClientIDList.member.1": given["ClientIdList"][0]}
    text = _answered(name, iam._create_oidc_provider(asked))
    arn = _inside(text, "OpenIDConnectProviderArn")
    return arn, {"Arn": arn}


def _provider_delete(physical: str, _: Properties) -> None:
    iam._delete_oidc_provider({"OpenIDConnectProviderArn": physical})


_Joined = Mapping[str, Callable[..., Any]]
_TYPES: dict[str, _Joined] = {
    "AWS::EKS::AccessEntry": {"create": _entry_create, "delete": _entry_delete},
    "AWS::EKS::Addon": {"create": _addon_create, "delete": _addon_delete},
    "AWS::EKS::PodIdentityAssociation": {"create": _identity_create, "delete": _identity_delete},
    "AWS::IAM::OIDCProvider": {"create": _provider_create, "delete": _provider_delete},
    "AWS::EC2::EIP": {"create": _address_create, "delete": _address_delete},
    "AWS::EC2::NatGateway": {"create": _nat_create, "delete": _nat_delete},
    "AWS::EC2::SecurityGroupIngress": {"create": _ingress_create, "delete": _ingress_delete},
}


def _tag_buckets() -> None:
    """Let buckets of stacks have their tags, which ministack forgets."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    made = handlers["create"]

    def create(name: str, given: Properties, stack: str) -> tuple[str, Properties]:
        bucket, told = made(name, given, stack)
        s3._bucket_tags[bucket] = _tags(given)
        return bucket, told

    handlers["create"] = create


_failing: set[str] = set()
"""Types of resources that cannot be made now."""


def _let_fail() -> None:
    """Let each type of resource fail while a test wants it."""
    for kind, handlers in list(provisioners._RESOURCE_HANDLERS.items()):
        made = handlers.get("create")
        if made is not None:
            provisioners._RESOURCE_HANDLERS[kind] = {
                **handlers,
                "create": partial(_make, kind, made),
            }


def _make(kind: str, made: Callable[..., OfTheirs], *given: OfTheirs) -> OfTheirs:
    if kind in _failing:
        raise ValueError(f"{kind}: there is no capacity")
    return made(*given)


def join(kubernetes_port: int, certificate: Path) -> None:
    """Give the local AWS what the stacks need beside what it has."""
    for kind, handlers in _TYPES.items():
        provisioners._RESOURCE_HANDLERS.setdefault(kind, handlers)
    _tag_buckets()
    _let_fail()
    eks._cluster_endpoint = lambda port: f"https://{_HOST}:{kubernetes_port}"
    made = eks._create_cluster
    authority = base64.b64encode(certificate.read_bytes()).decode()

    def create(*args: OfTheirs, **others: OfTheirs) -> OfTheirs:
        answer = made(*args, **others)
        for cluster in eks._clusters.values():
            cluster["certificateAuthority"]["data"] = authority
        return answer

    eks._create_cluster = create
    parsing.parse_path = _parse
    ssm._PUBLIC_AMI_PARAMETERS[_IMAGE] = "ami-0c2023a1b2c3d4e5f"


_parsed = parsing.parse_path


def _parse(path: str) -> OfTheirs:
    """Read the path of a namespace itself, which kmock takes for something inside of one."""
    parts = path.strip("/").split("/")
    if parts[:3] == ["api", "v1", "namespaces"] and len(parts) <= 4:
        return parsing.ParsedPath("", "v1", "namespaces", None, *parts[3:])
    return _parsed(path)


class _Cluster(kmock.KubernetesEmulator):  # type: ignore[misc]
    """An API server without types, in the words that kubectl expects."""

    async def _serve_version(self, request: OfTheirs) -> OfTheirs:
        answer = await super()._serve_version(request)
        return answer | {"groupVersion": answer["groupVersion"].lstrip("/")}  # of the core: v1

    async def _serve_list(self, request: OfTheirs) -> OfTheirs:
        answer = await super()._serve_list(request)
        resource = request.resource
        version = f"{resource.group}/{resource.version}".lstrip("/")
        kind = self.resources[resource].kind
        items = [{"apiVersion": version, "kind": kind, **item} for item in answer["items"]]
        told = {"apiVersion": version, "kind": f"{kind}List", "metadata": {"resourceVersion": "1"}}
        return told | {"items": items}


_ABSENT = {
    b"Version=2012-06-01": b"""<DescribeLoadBalancersResponse>
<DescribeLoadBalancersResult><LoadBalancerDescriptions/></DescribeLoadBalancersResult>
</DescribeLoadBalancersResponse>""",
    b"Action=SuspendProcesses": b"<SuspendProcessesResponse/>",
}
"""What ministack does not know, by a part of the request: classic load balancers, of which there is
none, and processes of a group."""


async def with_absent(scope: OfTheirs, receive: OfTheirs, send: OfTheirs) -> None:
    """Answer what ministack cannot, and leave the rest to it."""
    if scope["type"] != "http" or scope["method"] != "POST":
        await app(scope, receive, send)
        return
    parts = [await receive()]
    while parts[-1].get("more_body"):
        parts.append(await receive())
    body = b"".join(part.get("body", b"") for part in parts)
    for asked, answer in _ABSENT.items():
        if asked in body:
            header = [(b"content-type", b"text/xml")]
            await send({"type": "http.response.start", "status": 200, "headers": header})
            await send({"type": "http.response.body", "body": answer})
            return

    async def again() -> OfTheirs:
        return parts.pop(0) if parts else await receive()

    await app(scope, again, send)


async def main(aws: int, kubernetes: int, certificate: Path, key: Path) -> None:
    """Serve until the process is ended."""
    join(kubernetes, certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with _Cluster() as cluster:
        cluster.resources.load_path(_RESOURCES)
        secrets, silent = Secrets(), asyncio.Event()

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/silence":
                silent.set()
                return web.json_response({})
            if request.path.startswith("/fail/"):
                kind = request.path.removeprefix("/fail/")
                _failing.symmetric_difference_update({kind})
                return web.json_response(sorted(_failing))
            if silent.is_set():
                return web.Response(status=403)
            return await secrets.answer(request) or await cluster(request)

        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.TCPSite(runner, _HOST, kubernetes, ssl_context=tls).start()
        config = Config()
        config.bind = [f"{_HOST}:{aws}"]
        await serve(with_absent, config)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
