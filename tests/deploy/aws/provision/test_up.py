"""What is asked before anything is made, and what each stack is given."""

from pathlib import Path

import pytest

from deploy.aws.provision.charts import FILE as CHARTS
from deploy.aws.provision.charts import charts
from deploy.aws.provision.cloudformation import Stacks
from deploy.aws.provision.parameters import FILE, read
from deploy.aws.provision.templates import ORDER, parameters
from deploy.aws.provision.up import Up, out_of_reach, plan, values
from tests.deploy.aws.provision.client import Client, FakeAccount

_GIVEN = read(FILE)


def _up(**clients: Client) -> Up:
    account = FakeAccount(**clients)
    return Up(_GIVEN, account, Stacks(Client(), "clickthrough"), ORDER, Path(CHARTS))


def test_a_cluster_that_this_machine_could_not_reach_is_not_made() -> None:
    assert "PublicAccessCidrs is empty" in str(out_of_reach(_GIVEN))
    assert out_of_reach({**_GIVEN, "PublicAccessCidrs": "198.51.100.7/32"}) is None


@pytest.mark.parametrize("name", ORDER)
def test_a_stack_is_given_what_it_takes_and_no_more(name: str) -> None:
    given = values(name, _GIVEN, {"VpcId": "vpc-1", "Other": "a"})
    assert set(given) <= set(parameters(name))
    assert given.get("ClusterName", "clickthrough") == "clickthrough"


def test_what_a_stack_made_goes_before_what_was_given() -> None:
    assert values("roles", {"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}) == {"VpcId": "vpc-2"}


def test_the_plan_has_each_stack_in_its_place_and_each_chart() -> None:
    steps = list(plan(_up(), dict.fromkeys(ORDER, "not there")))
    stacks = [step.split()[1].removeprefix("clickthrough-") for step in steps if "stack " in step]
    assert tuple(stacks) == ORDER
    assert sum("chart " in step for step in steps) == len(charts(CHARTS, {**_GIVEN, "VpcId": "a"}))


def test_zones_are_not_evened_out_by_ending_nodes() -> None:
    client = Client()
    _up(autoscaling=client).leave_zones("group")
    asked = {"AutoScalingGroupName": "group", "ScalingProcesses": ["AZRebalance"]}
    assert client.asked == [("suspend_processes", asked)]
