"""One stack at a time: made, changed or deleted, wherever an earlier try ended."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from botocore.exceptions import ClientError

from deploy.aws.provision import templates
from deploy.aws.provision.account import Client, code
from deploy.aws.provision.errors import RefusedError

OURS = {"Key": "Project", "Value": "clickthrough"}
"""The tag by which a stack is known as one of these."""
_BROKEN = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
"""A stack in one of them can only be deleted."""
_HOLDING = {
    "AWS::EC2::VPC",
    "AWS::EC2::Subnet",
    "AWS::ECR::Repository",
    "AWS::EKS::Cluster",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
}
"""Types that hold what a replacement would not."""
_OF_STACK = {"ValidationError", "AlreadyExistsException", "LimitExceededException"}
"""Refusals that are of a stack, its file or its values."""
Outcome = Literal["made", "changed", "as it was"]


@dataclass
class State:
    """What CloudFormation says of a stack."""

    id: str
    status: str
    ours: bool
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Stacks:
    """The stacks of an account and region.

    Attributes:
        client: of CloudFormation.
        cluster: after which most stacks are called.
        minutes: after which waiting for one of them ends.
        pause: seconds between two looks.
        told: is told of what goes on.
    """

    client: Client
    cluster: str
    minutes: float = 45
    pause: float = 5
    told: Callable[[str], None] = print

    def state(self, name: str) -> State | None:
        """Return the state of a stack, or None where there is none."""
        return self._described(templates.title(name, self.cluster))

    def _described(self, title: str) -> State | None:
        try:
            (told,) = self.client.describe_stacks(StackName=title)["Stacks"]
        except ClientError as error:
            if code(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        return State(
            told["StackId"],
            told["StackStatus"],
            OURS in [dict(each) for each in told.get("Tags", [])],
            {each["OutputKey"]: each["OutputValue"] for each in told.get("Outputs", [])},
        )

    def own(self, name: str) -> State | None:
        """Return the state of a stack, and refuse one of somebody else."""
        state = self.state(name)
        if state is not None and not state.ours:
            title = templates.title(name, self.cluster)
            raise RefusedError(
                f"{title}: a stack of this name exists and is not one of these (it has no tag "
                "Project=clickthrough): choose another ClusterName, or delete it"
            )
        return state

    def settled(self, name: str) -> State | None:
        """Return the state of a stack of ours once nothing changes it."""
        state = self.own(name)
        if state is None or not _busy(state.status):
            return state
        self.told(f"{name}: {state.status}, from before: waiting")
        return self._ended(name, state.id)

    def make(self, name: str, values: dict[str, str], replace: bool = False) -> Outcome:
        """Make a stack, or bring it to what its file and the values say.

        Args:
            name: of the stack.
            values: of its parameters; others have their defaults.
            replace: whether what holds something may be replaced.

        Raises:
            RefusedError: it could not be made; a new one is gone then, an old one as it was.
        """
        state = self.settled(name)
        if state is not None and state.status in _BROKEN:
            self.told(f"{name}: {state.status}, from before: deleted first")
            self.delete(name)
            state = None
        if state is not None and state.status == "UPDATE_ROLLBACK_FAILED":
            raise RefusedError(f"{name}: {state.status}: {self._continue(name)}")
        new = state is None or state.status == "REVIEW_IN_PROGRESS"
        change = self._change(name, values, new)
        if change is None:
            return "as it was"
        self._hold(name, change, replace)
        self._carry_out(name, change, new)
        return "made" if new else "changed"

    def _continue(self, name: str) -> str:
        title = templates.title(name, self.cluster)
        return f"aws cloudformation continue-update-rollback --stack-name {title}"

    def _change(self, name: str, values: dict[str, str], new: bool) -> str | None:
        """Return the change set between what is and what shall be, or None where there is none."""
        told = self._asked(
            name,
            StackName=templates.title(name, self.cluster),
            ChangeSetName=f"up-{time.time_ns()}",
            ChangeSetType="CREATE" if new else "UPDATE",
            TemplateBody=templates.path(name).read_text(),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in values.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
            Tags=[OURS],
            **({"OnStackFailure": "DELETE"} if new else {}),
        )
        change = str(told["Id"])
        for _ in self._until(f"{name}: the change set"):
            told = self.client.describe_change_set(ChangeSetName=change)
            if told["Status"] == "CREATE_COMPLETE":
                return change
            if told["Status"] == "FAILED":
                return self._no_change(name, change, told.get("StatusReason", ""))
        raise AssertionError

    def _asked(self, name: str, **change: object) -> dict[str, object]:
        """Ask for a change set; what CloudFormation says of the stack and its values names the stack."""
        try:
            return dict(self.client.create_change_set(**change))
        except ClientError as error:
            if code(error) in _OF_STACK:
                raise RefusedError(f"{name}: {error.response['Error']['Message']}") from error
            raise

    def _no_change(self, name: str, change: str, reason: str) -> None:
        """Take a change set back that changes nothing; refuse one that failed."""
        self.client.delete_change_set(ChangeSetName=change)
        if (
            "didn't contain changes" not in reason
            and "No updates are to be performed" not in reason
        ):
            raise RefusedError(f"{name}: {reason}")

    def _hold(self, name: str, change: str, replace: bool) -> None:
        """Refuse to replace what holds something."""
        pages = self.client.get_paginator("describe_change_set").paginate(ChangeSetName=change)
        changes = [each["ResourceChange"] for page in pages for each in page["Changes"]]
        lost = [
            f"{each['LogicalResourceId']} ({each['ResourceType']})"
            for each in changes
            if each["ResourceType"] in _HOLDING
            and (each["Action"] == "Remove" or each.get("Replacement") == "True")
        ]
        if lost and not replace:
            self.client.delete_change_set(ChangeSetName=change)
            raise RefusedError(
                f"{name}: {', '.join(lost)} would be replaced, and what it holds be lost; "
                "nothing was changed. --replace does it"
            )

    def _carry_out(self, name: str, change: str, new: bool) -> None:
        self.client.execute_change_set(ChangeSetName=change)
        title = templates.title(name, self.cluster)
        state = self._described(title)
        if state is None:  # it failed and is gone already
            raise RefusedError(f"{name}: {self._failure(title)}")
        state = self._executed(name, state.id, change)
        good = "CREATE_COMPLETE" if new else "UPDATE_COMPLETE"
        if state.status != good:
            left = "nothing of it is left" if state.status == "DELETE_COMPLETE" else state.status
            raise RefusedError(f"{name}: {self._failure(state.id)}; {left}")

    def _executed(self, name: str, stack: str, change: str) -> State:
        """Wait until a change set was carried out: at first the stack is still as it was."""
        for _ in self._until(name):
            try:
                told = self.client.describe_change_set(ChangeSetName=change)["ExecutionStatus"]
            except ClientError as error:
                if code(error) not in {"ChangeSetNotFound", "ValidationError"}:
                    raise
                break  # gone with the stack
            if told not in {"AVAILABLE", "EXECUTE_IN_PROGRESS"}:
                break
        return self._ended(name, stack)

    def _ended(self, name: str, stack: str) -> State:
        """Wait until nothing changes a stack."""
        shown = time.monotonic()
        for _ in self._until(name):
            state = self._described(stack)
            if state is None:
                return State(stack, "DELETE_COMPLETE", ours=True)
            if not _busy(state.status):
                return state
            if time.monotonic() - shown > 60:
                shown = time.monotonic()
                self.told(f"{name}: {state.status}: {', '.join(self._going_on(stack)) or '...'}")
        raise AssertionError

    def _going_on(self, stack: str) -> list[str]:
        told = self.client.describe_stack_resources(StackName=stack)["StackResources"]
        return [
            each["LogicalResourceId"]
            for each in told
            if each["ResourceStatus"].endswith("IN_PROGRESS")
        ]

    def _until(self, what: str) -> Iterator[None]:
        """Yield until the time is over, with pauses between."""
        end = time.monotonic() + self.minutes * 60
        while time.monotonic() < end:
            yield
            time.sleep(self.pause)
        raise RefusedError(
            f"{what} is not done after {self.minutes:g} minutes; it goes on by itself: "
            "the same command again waits for it"
        )

    def _failure(self, stack: str) -> str:
        """Say which resource failed first in the last change of a stack, and why."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack)
        reason = "it failed, and CloudFormation says no more"
        for event in (each for page in pages for each in page["StackEvents"]):
            status, why = event.get("ResourceStatus", ""), event.get("ResourceStatusReason", "")
            own = event["PhysicalResourceId"] == event["StackId"]
            if own and status in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
                break  # events come newest first: here it began
            if status.endswith("FAILED") and "cancelled" not in why:
                reason = f"{event['LogicalResourceId']} ({event['ResourceType']}): {why or status}"
        return reason

    def delete(self, name: str) -> bool:
        """Delete a stack; return whether there was one.

        Raises:
            RefusedError: something in it could not be deleted.
        """
        state = self.settled(name)
        if state is None or state.status == "DELETE_COMPLETE":
            return False
        self.client.delete_stack(StackName=state.id)
        state = self._ended(name, state.id)
        if state.status != "DELETE_COMPLETE":
            raise RefusedError(f"{name}: {state.status}: {self._failure(state.id)}")
        return True


def _busy(status: str) -> bool:
    """Say whether a stack is being changed.

    >>> _busy("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), _busy("REVIEW_IN_PROGRESS")
    (True, False)
    """
    return status.endswith("IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
