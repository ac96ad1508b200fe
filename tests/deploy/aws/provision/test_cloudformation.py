"""Wherever an earlier try ended, the next one goes on; what holds something is not replaced."""

from typing import Any

import pytest

from deploy.aws.provision.cloudformation import Stacks
from deploy.aws.provision.errors import RefusedError
from tests.deploy.aws.provision.client import Answer, Client, refusal

_OURS = [{"Key": "Project", "Value": "clickthrough"}]
_NONE = refusal("ValidationError", "Stack with id a does not exist")


def _state(status: str, tags: Any = _OURS) -> Answer:  # noqa: ANN401 - as a test wants it
    return {"Stacks": [{"StackId": "arn:1", "StackStatus": status, "Tags": tags}]}


def _stacks(client: Client, minutes: float = 1) -> Stacks:
    return Stacks(client, "ads", minutes=minutes, pause=0, told=lambda _: None)


def _changes(*changes: Answer) -> Answer:
    return {
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "EXECUTE_COMPLETE",
        "StackId": "arn:1",
        "Changes": [{"ResourceChange": each} for each in changes],
    }


_ADDED = _changes({"Action": "Add", "LogicalResourceId": "A", "ResourceType": "AWS::EC2::VPC"})
_ID = {"Id": "change"}


def _client(*states: Answer | Exception, **more: list[Answer | Exception]) -> Client:
    answers: dict[str, list[Answer | Exception]] = {
        "create_change_set": [_ID],
        "describe_change_set": [_ADDED],
    }
    return Client(describe_stacks=list(states), **(answers | more))


def test_a_new_stack_is_gone_if_it_fails() -> None:
    client = _client(_NONE, _state("CREATE_COMPLETE"))
    assert _stacks(client).make("network", {"Zones": "2"}) == "made"
    asked = dict(client.asked)["create_change_set"]
    assert asked["ChangeSetType"] == "CREATE"
    assert asked["OnStackFailure"] == "DELETE"
    assert asked["StackName"] == "ads-network"
    assert asked["Parameters"] == [{"ParameterKey": "Zones", "ParameterValue": "2"}]


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_a_stack_that_is_there_is_changed(status: str) -> None:
    client = _client(_state(status), _state("UPDATE_COMPLETE"))
    assert _stacks(client).make("network", {}) == "changed"
    asked = dict(client.asked)["create_change_set"]
    assert asked["ChangeSetType"] == "UPDATE"
    assert "OnStackFailure" not in asked


def test_an_update_is_not_done_before_it_began() -> None:
    begun = _ADDED | {"ExecutionStatus": "EXECUTE_IN_PROGRESS"}
    client = _client(
        _state("UPDATE_COMPLETE"),  # of the time before
        _state("UPDATE_ROLLBACK_COMPLETE"),
        describe_change_set=[_ADDED, _ADDED, _ADDED, begun, begun, _ADDED],
        describe_stack_events=[{"StackEvents": []}],
    )
    with pytest.raises(RefusedError, match="UPDATE_ROLLBACK_COMPLETE"):
        _stacks(client).make("network", {})


@pytest.mark.parametrize(
    "reason",
    ["The submitted information didn't contain changes. Submit", "No updates are to be performed."],
)
def test_no_change_changes_nothing(reason: str) -> None:
    failed = {"Status": "FAILED", "StatusReason": reason}
    client = _client(_state("CREATE_COMPLETE"), describe_change_set=[failed])
    assert _stacks(client).make("network", {}) == "as it was"
    assert "execute_change_set" not in client.operations()
    assert client.operations()[-1] == "delete_change_set"


def test_a_change_that_cannot_be_made_is_told() -> None:
    failed = {"Status": "FAILED", "StatusReason": "ctr-service already exists"}
    client = _client(_NONE, describe_change_set=[failed])
    with pytest.raises(RefusedError, match=r"^registry: ctr-service already exists"):
        _stacks(client).make("registry", {})


@pytest.mark.parametrize(
    "status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED"]
)
def test_a_broken_stack_is_deleted_and_made(status: str) -> None:
    client = _client(
        *[_state(status)] * 4,  # of which two are asked before its deletion shows
        *[_state("DELETE_COMPLETE")] * 2,
        _state("CREATE_COMPLETE"),
    )
    assert _stacks(client).make("network", {}) == "made"
    done = client.operations()
    assert done.index("delete_stack") < done.index("create_change_set")


def test_a_stack_that_is_being_made_is_waited_for() -> None:
    busy = _state("CREATE_IN_PROGRESS")
    client = _client(busy, busy, busy, _state("CREATE_COMPLETE"), _state("UPDATE_COMPLETE"))
    assert _stacks(client).make("network", {}) == "changed"


def test_a_plan_of_which_nothing_was_made_is_made() -> None:
    client = _client(_state("REVIEW_IN_PROGRESS"), _state("CREATE_COMPLETE"))
    assert _stacks(client).make("network", {}) == "made"


def test_a_stack_that_hangs_ends_with_what_to_do() -> None:
    client = _client(_state("CREATE_IN_PROGRESS"))
    with pytest.raises(RefusedError, match="the same command again waits for it"):
        _stacks(client, minutes=0.001).make("network", {})


def test_a_stack_that_could_not_go_back_needs_a_person() -> None:
    events: Answer = {"StackEvents": []}
    client = _client(_state("UPDATE_ROLLBACK_FAILED"), describe_stack_events=[events])
    with pytest.raises(RefusedError, match="continue-update-rollback --stack-name ads-network"):
        _stacks(client).make("network", {})
    assert "create_change_set" not in client.operations()


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "Modify", "Replacement": "True", "ResourceType": "AWS::EC2::VPC"},
        {"Action": "Remove", "ResourceType": "AWS::S3::Bucket"},
        {"Action": "Modify", "Replacement": "True", "ResourceType": "AWS::EKS::Cluster"},
    ],
)
def test_what_holds_something_is_never_replaced(change: Answer) -> None:
    told = _changes({"LogicalResourceId": "Thing", **change})
    client = _client(_state("CREATE_COMPLETE"), describe_change_set=[told])
    with pytest.raises(RefusedError, match=r"Thing .* would be replaced"):
        _stacks(client).make("network", {})
    assert "execute_change_set" not in client.operations()


def _event(resource: str, status: str, why: str = "") -> Answer:
    return {
        "StackId": "arn:1",
        "PhysicalResourceId": "arn:1" if resource == "ads-nodes" else resource,
        "LogicalResourceId": resource,
        "ResourceType": "AWS::Thing",
        "ResourceStatus": status,
        "ResourceStatusReason": why,
    }


def test_the_first_failure_of_this_change_is_told() -> None:
    events = [  # newest first
        _event("Later", "CREATE_FAILED", "Resource creation cancelled"),
        _event("Second", "CREATE_FAILED", "because of the first"),
        _event("First", "CREATE_FAILED", "no room"),
        _event("ads-nodes", "UPDATE_IN_PROGRESS"),
        _event("Old", "CREATE_FAILED", "of another time"),
    ]
    client = _client(
        _NONE,
        _state("DELETE_COMPLETE"),
        describe_stack_events=[{"StackEvents": events}],
    )
    with pytest.raises(RefusedError) as caught:
        _stacks(client).make("nodes", {})
    assert str(caught.value) == "nodes: First (AWS::Thing): no room; nothing of it is left"


@pytest.mark.parametrize("tags", [[], [{"Key": "Project", "Value": "other"}]])
def test_a_stack_of_somebody_else_is_left_alone(tags: list[Answer]) -> None:
    client = _client(_state("CREATE_COMPLETE", tags))
    for work in (_stacks(client).delete, lambda name: _stacks(client).make(name, {})):
        with pytest.raises(RefusedError, match="exists and is not one of these"):
            work("network")
    assert set(client.operations()) == {"describe_stacks"}


def test_a_stack_that_cannot_be_deleted_is_told_with_what_holds_it_now() -> None:
    events = {
        "StackEvents": [  # newest first
            _event("Vpc", "DELETE_FAILED", "has dependencies"),
            _event("ads-nodes", "DELETE_IN_PROGRESS"),
            _event("Vpc", "DELETE_FAILED", "of the time before"),
        ]
    }
    client = _client(
        _state("CREATE_COMPLETE"), _state("DELETE_FAILED"), describe_stack_events=[events]
    )
    with pytest.raises(RefusedError, match=r"network: DELETE_FAILED: Vpc .* has dependencies"):
        _stacks(client).delete("network")


def test_a_right_that_lacks_is_no_missing_stack() -> None:
    client = _client(refusal("AccessDenied", "no"))
    with pytest.raises(type(_NONE)):
        _stacks(client).make("network", {})


def test_what_holds_a_stack_is_let_go_while_it_goes() -> None:
    going = _state("DELETE_IN_PROGRESS")
    client = _client(_state("CREATE_COMPLETE"), going, going, going, _state("DELETE_COMPLETE"))
    times: list[int] = []
    assert _stacks(client).delete("nodes", lambda: times.append(1))
    assert len(times) == 2


def test_a_change_set_alone_has_no_tags_and_is_ours() -> None:
    client = _client(_state("REVIEW_IN_PROGRESS", []), _state("CREATE_COMPLETE"))
    assert _stacks(client).make("network", {}) == "made"
    client = _client(_state("REVIEW_IN_PROGRESS", []), _state("DELETE_COMPLETE"))
    assert _stacks(client).delete("network")


def test_a_new_stack_whose_change_set_failed_leaves_no_shell() -> None:
    failed = {"Status": "FAILED", "StatusReason": "a name exists"}
    client = _client(_NONE, describe_change_set=[failed])
    with pytest.raises(RefusedError):
        _stacks(client).make("registry", {})
    assert client.operations()[-1] == "delete_stack"


def test_somebody_else_who_changes_it_is_told() -> None:
    client = _client(_NONE, execute_change_set=[refusal("InvalidChangeSetStatus", "EXECUTED")])
    with pytest.raises(RefusedError, match="network: somebody else changes it now"):
        _stacks(client).make("network", {})


def test_events_that_are_gone_are_no_failure_of_their_own() -> None:
    gone = refusal("ValidationError", "Stack [arn:1] does not exist")
    client = _client(_NONE, _state("DELETE_COMPLETE"), describe_stack_events=[gone])
    with pytest.raises(RefusedError, match="CloudFormation says no more; nothing of it is left"):
        _stacks(client).make("network", {})


def test_clusters_are_known_by_their_stacks() -> None:
    named = [
        ("clickthrough-registry", _OURS),
        ("ads-network", _OURS),
        ("ads-cluster", _OURS),
        ("b-c-nodes", _OURS),
        ("other-cluster", []),
    ]
    listed = [{"StackName": name, "Tags": tags} for name, tags in named]
    client = _client({"Stacks": listed})
    assert _stacks(client).clusters() == {"ads", "b-c"}
