"""What stays unless somebody asks for its end: images and bundles."""

from botocore.exceptions import ClientError

from deploy.aws.provision import templates
from deploy.aws.provision.account import Account, Client, code
from deploy.aws.provision.stack_state import OURS, Watched


def empty_repositories(account: Account, stacks: Watched) -> None:
    """Delete all images of the repositories of the stack; it could not be deleted with them."""
    if stacks.own("registry") is None:
        return
    client = account.client("ecr")
    for each in templates.of_type("registry", "AWS::ECR::Repository"):
        name = each["RepositoryName"]
        try:
            pages = client.get_paginator("list_images").paginate(repositoryName=name)
            for page in list(pages):
                if page["imageIds"]:
                    client.batch_delete_image(repositoryName=name, imageIds=page["imageIds"])
        except ClientError as error:
            if code(error) != "RepositoryNotFoundException":
                raise


def buckets(account: Account, title: str) -> list[str]:
    """Return the buckets that a stack made, whether it is still there or not.

    Args:
        account: where to look.
        title: of the stack, with which their names begin.
    """
    client = account.client("s3")
    begin = f"{title}-"
    names = [each["Name"] for each in client.list_buckets(Prefix=begin)["Buckets"]]
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
