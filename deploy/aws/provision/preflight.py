"""What is looked at before anything is made: names that others have already."""

from botocore.exceptions import ClientError

from deploy.aws.provision import templates
from deploy.aws.provision.account import Account, code
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.stack_state import Watched


def free(account: Account, stacks: Watched, names: tuple[str, ...]) -> None:
    """Refuse a name that exists and belongs to none of these stacks.

    Raises:
        RefusedError: what exists, and what to do.
    """
    there = {name: stacks.own(name) is not None for name in names}
    if not there["registry"]:
        _repositories(account)
    if not there["cluster"]:
        _cluster(account, stacks.cluster)
        _logs(account, stacks.cluster)


def _repositories(account: Account) -> None:
    client = account.client("ecr")
    for each in templates.of_type("registry", "AWS::ECR::Repository"):
        name = each["RepositoryName"]
        try:
            client.describe_repositories(repositoryNames=[name])
        except ClientError as error:
            if code(error) != "RepositoryNotFoundException":
                raise
            continue
        raise RefusedError(
            f"{name}: a repository of this name exists, made by hand: delete it with its images "
            f"(aws ecr delete-repository --repository-name {name} --force) and push them again"
        )


def _cluster(account: Account, name: str) -> None:
    try:
        account.client("eks").describe_cluster(name=name)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return
    raise RefusedError(f"{name}: a cluster of this name exists: choose another ClusterName")


def _logs(account: Account, name: str) -> None:
    group = f"/aws/eks/{name}/cluster"
    told = account.client("logs").describe_log_groups(logGroupNamePrefix=group)
    if any(each["logGroupName"] == group for each in told["logGroups"]):
        raise RefusedError(
            f"{group}: the logs of an earlier cluster are there: choose another ClusterName, or "
            f"aws logs delete-log-group --log-group-name {group}"
        )
