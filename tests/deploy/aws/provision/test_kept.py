"""What holds something goes only if it is asked for, whole, and in this region."""

import pytest

from deploy.aws.provision.cloudformation import Stacks
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.kept import buckets, delete_logs, empty_repositories
from tests.deploy.aws.provision.client import Answer, Client, FakeAccount, refusal

_OURS = [{"Key": "Project", "Value": "clickthrough"}]


def _account(**clients: Client) -> FakeAccount:
    account = FakeAccount(**clients)
    account.region = "eu-central-1"
    return account


def _bucket(name: str, region: str = "eu-central-1") -> Answer:
    return {"Name": name, "BucketRegion": region}


def test_a_bucket_of_another_region_or_name_or_owner_is_left() -> None:
    mine, abroad, other = "clickthrough-bundles-bucket-1", "clickthrough-bundles-bucket-2", "other"
    listed = [_bucket(mine), _bucket(abroad, "us-east-1"), _bucket(other)]
    s3 = Client(list_buckets=[{"Buckets": listed}], get_bucket_tagging=[{"TagSet": _OURS}])
    assert buckets(_account(s3=s3), "clickthrough-bundles") == [mine]
    s3.answer("get_bucket_tagging", [refusal("NoSuchTagSet")])
    assert buckets(_account(s3=s3), "clickthrough-bundles") == []


def _stacks() -> Stacks:
    there = {"StackId": "1", "StackStatus": "CREATE_COMPLETE", "Tags": _OURS}
    return Stacks(Client(describe_stacks=[{"Stacks": [there]}]), "ads")


def _images(*lists: list[str], failures: list[Answer] | None = None) -> Client:
    told = [{"imageIds": [{"imageDigest": name} for name in each]} for each in lists]
    return Client(list_images=list(told), batch_delete_image=[{"failures": failures or []}])


def test_images_of_an_index_go_after_it() -> None:
    ecr = _images(["index", "a", "b"], ["a", "b"], [], [])
    empty_repositories(_account(ecr=ecr), _stacks())
    assert ecr.operations().count("batch_delete_image") == 2


def test_an_image_that_does_not_go_is_told() -> None:
    failures = [{"failureReason": "is referenced"}]
    ecr = _images(["a"], ["a"], failures=failures)
    with pytest.raises(RefusedError, match="ctr-service: 1 images do not go: is referenced"):
        empty_repositories(_account(ecr=ecr), _stacks())


def test_logs_go_after_the_cluster_and_not_before() -> None:
    logs = Client()
    delete_logs(_account(eks=Client(describe_cluster=[{}]), logs=logs), "ads")
    assert not logs.asked
    gone = Client(describe_cluster=[refusal("ResourceNotFoundException")])
    delete_logs(_account(eks=gone, logs=logs), "ads")
    assert logs.asked == [("delete_log_group", {"logGroupName": "/aws/eks/ads/cluster"})]
