"""What a command costs an hour, and what still bills after one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from botocore.exceptions import ClientError

from deploy.aws.provision import templates
from deploy.aws.provision.account import Account, code
from deploy.aws.provision.kept import buckets
from deploy.aws.provision.stack_state import OURS, Watched

FILE = templates.AWS / "prices.yaml"
_HOURS = 730
"""Of a month, as AWS reckons."""


@dataclass(frozen=True)
class Line:
    """A line of the bill.

    Attributes:
        what: is billed.
        count: how many of it.
        hour: USD an hour for one; None where it is not known.
    """

    what: str
    count: float
    hour: float | None

    @property
    def total(self) -> float:
        """USD an hour for all of it."""
        return self.count * (self.hour or 0)


def lines(given: Mapping[str, str], prices: Mapping[str, Any]) -> list[Line]:
    """Return what runs by itself, with the fewest nodes.

    Args:
        given: parameters of the stacks.
        prices: of one region.
    """
    nodes, kind = int(given["NodesMin"]), given["InstanceType"]
    gib = prices["disk_gib_month"] / _HOURS
    gateways = int(given["Zones"]) if given["NatGateways"] == "zone" else 1
    return [
        Line("control plane of EKS", 1, prices["cluster_hour"]),
        Line(f"node {kind}", nodes, prices["instance_hour"].get(kind)),
        Line(f"its disk, {given['DiskGiB']} GiB", nodes, int(given["DiskGiB"]) * gib),
        Line("NAT gateway", gateways, prices["nat_gateway_hour"]),
        Line("its public address", gateways, prices["public_address_hour"]),
        Line("network load balancer, for each Service", 1, prices["load_balancer_hour"]),
        Line("Redis' disk in production, 20 GiB", 1, 20 * gib),
        Line("key of KMS", 1, prices["key_month"] / _HOURS),
    ]


def bill(given: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that say what an hour costs."""
    book = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    region = given["Region"]
    known = region if region in book["regions"] else "us-east-1"
    every = lines(given, book["regions"][known])
    other = "" if known == region else f"; {region} has others"
    yield f"USD an hour, on demand, {known}, as published on {book['published']}{other}:"
    for line in every:
        price = "not listed" if line.hour is None else f"{line.total:8.4f}"
        yield f"  {line.count:>3g} x {line.what:<42} {price:>10}"
    unknown = [line.what for line in every if line.hour is None]
    more = f", and {', '.join(unknown)}" if unknown else ""
    total = sum(line.total for line in every)
    long = f"{total * 24:.2f} a day, {total * _HOURS:.0f} a month"
    yield f"  {'together':<48} {total:8.4f}{more}: {long}"
    yield f"  up to {given['NodesMax']} nodes if pods need them; beside it:"
    yield from (f"    {each}" for each in book["beside"])


def still_there(account: Account, stacks: Watched) -> Iterator[str]:
    """Yield what still bills: stacks that stand, and what holds something."""
    for name in sorted(stacks.clusters()):
        more = "" if name == stacks.cluster else f" --set ClusterName={name}"
        yield f"cluster {name}, or a part of it; deploy/aws/down{more}"
    yield from _images(account)
    for bucket in buckets(account, templates.title("bundles", "")):
        yield from _bucket(account, bucket)
    yield from _keys(account)


def _images(account: Account) -> Iterator[str]:
    client = account.client("ecr")
    for each in templates.of_type("registry", "AWS::ECR::Repository"):
        name = each["RepositoryName"]
        try:
            pages = client.get_paginator("describe_images").paginate(repositoryName=name)
            images = [image for page in pages for image in page["imageDetails"]]
        except ClientError as error:
            if code(error) != "RepositoryNotFoundException":
                raise
            continue
        size = sum(image.get("imageSizeInBytes", 0) for image in images) / 1e9
        if images:
            held = f"{len(images)} images, {size:.2f} GB"
            yield f"repository {name}: {held}; deploy/aws/down --images"


def _bucket(account: Account, bucket: str) -> Iterator[str]:
    client = account.client("s3")
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket)
    versions = [each for page in pages for each in page.get("Versions", [])]
    size = sum(each["Size"] for each in versions) / 1e9
    if versions:
        yield f"bucket {bucket}: {len(versions)} files, {size:.2f} GB; deploy/aws/down --bundles"


def _keys(account: Account) -> Iterator[str]:
    """Yield keys that stay: that by which a pipeline signed images."""
    ours = [{"Key": OURS["Key"], "Values": [OURS["Value"]]}]
    pages = account.client("resourcegroupstaggingapi").get_paginator("get_resources")
    for page in pages.paginate(TagFilters=ours, ResourceTypeFilters=["kms:key"]):
        for arn in (each["ResourceARN"] for each in page["ResourceTagMappingList"]):
            key = account.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
            if key["KeyState"] == "Enabled":
                held = f"{key.get('Description', '')}; billed by the month"
                yield f"key {arn}: {held}; aws kms schedule-key-deletion --key-id {arn}"
