"""What a cluster left is known by its tags, and nothing else is."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.leftovers import Leftover, leftovers, sweep
from tests.deploy.aws.provision.client import Answer, Client, FakeAccount, refusal


def _account(classic: list[Answer], groups: list[Answer]) -> FakeAccount:
    none: Answer = {"LoadBalancers": [], "TargetGroups": [], "TagDescriptions": []}
    named = [{"LoadBalancerName": each["LoadBalancerName"]} for each in classic]
    elb = Client(
        describe_load_balancers=[{"LoadBalancerDescriptions": named}],
        describe_tags=[{"TagDescriptions": classic}],
    )
    ec2 = Client(
        describe_volumes=[{"Volumes": []}],
        describe_network_interfaces=[{"NetworkInterfaces": []}],
        describe_security_groups=[{"SecurityGroups": groups}, {"SecurityGroups": []}],
    )
    elbv2 = Client(describe_load_balancers=[none], describe_target_groups=[none])
    return FakeAccount(elbv2=elbv2, elb=elb, ec2=ec2)


_OWNED = {"kubernetes.io/cluster/ads": "owned"}


def _listed(tags: dict[str, str]) -> list[Answer]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_a_classic_load_balancer_of_the_cluster_is_found_and_no_other() -> None:
    account = _account(
        [
            {"LoadBalancerName": "a", "Tags": _listed(_OWNED)},
            {"LoadBalancerName": "b", "Tags": _listed({"kubernetes.io/cluster/other": "owned"})},
            {"LoadBalancerName": "c", "Tags": _listed({"kubernetes.io/cluster/ads": "shared"})},
            {"LoadBalancerName": "d", "Tags": []},
        ],
        [],
    )
    (found,) = leftovers(account, "ads")
    assert (found.kind, found.id, found.bills) == ("classic load balancer", "a", True)
    found.delete()
    elb = account.client("elb")
    assert elb.asked[-1] == ("delete_load_balancer", {"LoadBalancerName": "a"})


def test_what_goes_with_its_stack_or_with_the_cluster_is_none() -> None:
    groups = [
        {"GroupId": "sg-1", "Tags": _listed({**_OWNED, "aws:cloudformation:stack-name": "s"})},
        {"GroupId": "sg-2", "Tags": _listed({**_OWNED, "aws:eks:cluster-name": "ads"})},
        {"GroupId": "sg-3", "Tags": _listed({"elbv2.k8s.aws/cluster": "ads"})},
    ]
    assert [each.id for each in leftovers(_account([], groups), "ads")] == ["sg-3"]


class _Held:
    """A thing that another holds for some time."""

    def __init__(self, *refusals: ClientError) -> None:
        self._refusals, self.there = list(refusals), True

    def find(self) -> Iterator[Leftover]:
        if self.there:
            yield Leftover("security group", "sg-1", False, self._delete)

    def _delete(self) -> None:
        if self._refusals:
            raise self._refusals.pop(0)
        self.there = False


def test_what_is_held_is_tried_again() -> None:
    thing = _Held(refusal("DependencyViolation"), refusal("DependencyViolation"))
    told: list[str] = []
    sweep(thing.find, told.append, pause=0)
    assert not thing.there
    assert told == ["security group sg-1: left by the cluster, deleted"]


def test_what_stays_held_is_told() -> None:
    thing = _Held(*[refusal("DependencyViolation")] * 10_000)
    with pytest.raises(
        RefusedError, match=r"still there after 0\.001 minutes: security group sg-1"
    ):
        sweep(thing.find, lambda _: None, minutes=0.001, pause=0.02)


def test_a_right_that_lacks_ends_it() -> None:
    with pytest.raises(ClientError):
        sweep(_Held(refusal("UnauthorizedOperation")).find, lambda _: None, pause=0)


def test_what_went_by_itself_is_no_failure() -> None:
    thing = _Held(refusal("InvalidGroup.NotFound"))
    sweep(thing.find, lambda _: None, pause=0)


def test_a_load_balancer_that_goes_meanwhile_hides_no_other() -> None:
    told: list[Answer | Exception] = [
        refusal("LoadBalancerNotFound"),  # of both together
        refusal("LoadBalancerNotFound"),  # of the first
        {"TagDescriptions": [{"LoadBalancerName": "b", "Tags": _listed(_OWNED)}]},
    ]
    account = _account(
        [{"LoadBalancerName": "a", "Tags": []}, {"LoadBalancerName": "b", "Tags": []}], []
    )
    account.client("elb").answer("describe_tags", told)
    assert [each.id for each in leftovers(account, "ads")] == ["b"]
