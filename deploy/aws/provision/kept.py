"""What stays unless somebody asks for its end: images and bundles."""

from botocore.exceptions import ClientError

from deploy.aws.provision import templates
from deploy.aws.provision.account import Account, Client, code
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.stack_state import OURS, Watched

_IMAGES_AT_A_TIME = 100


def empty_repositories(account: Account, stacks: Watched) -> None:
    """Delete all images of the repositories of the stack; it could not be deleted with them.

    Raises:
        RefusedError: an image cannot be deleted.
    """
    if stacks.own("registry") is None:
        return
    client = account.client("ecr")
    for each in templates.of_type("registry", "AWS::ECR::Repository"):
        try:
            _empty_repository(client, each["RepositoryName"])
        except ClientError as error:
            if code(error) != "RepositoryNotFoundException":
                raise


def _empty_repository(client: Client, name: str) -> None:
    """Delete images until there is none: those of an index only go after it."""
    left = _images(client, name)
    while left:
        failures = []
        for at in range(0, len(left), _IMAGES_AT_A_TIME):
            some = left[at : at + _IMAGES_AT_A_TIME]
            told = client.batch_delete_image(repositoryName=name, imageIds=some)
            failures += told.get("failures", [])
        before, left = len(left), _images(client, name)
        if len(left) >= before:
            why = failures[0].get("failureReason", "") if failures else "nothing is said"
            raise RefusedError(f"repository {name}: {len(left)} images do not go: {why}")


def _images(client: Client, name: str) -> list[dict[str, str]]:
    pages = client.get_paginator("list_images").paginate(repositoryName=name)
    return [image for page in pages for image in page["imageIds"]]


def buckets(account: Account, title: str) -> list[str]:
    """Return the buckets of a region that a stack made, whether it is still there or not.

    Args:
        account: where to look.
        title: of the stack, with which their names begin.
    """
    client = account.client("s3")
    begin, region = f"{title}-", account.region
    told = client.list_buckets(Prefix=begin, BucketRegion=region)["Buckets"]
    names = [each["Name"] for each in told if each.get("BucketRegion") == region]
    return [name for name in names if name.startswith(begin) and _ours(client, name)]


def _ours(client: Client, bucket: str) -> bool:
    try:
        return OURS in client.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if code(error) in {"NoSuchTagSet", "NoSuchBucket"}:
            return False
        raise


def delete_bucket(account: Account, bucket: str) -> None:
    """Delete a bucket that its stack left, with all versions of all bundles."""
    client = account.client("s3")
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if objects:
            client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    client.delete_bucket(Bucket=bucket)


def delete_logs(account: Account, cluster: str) -> None:
    """Delete the logs of a control plane that is gone: its last lines make their group anew."""
    if account.has_cluster(cluster):
        return
    try:
        account.client("logs").delete_log_group(logGroupName=templates.log_group(cluster))
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
