"""One stack at a time: made, changed or deleted, wherever an earlier try ended."""

import time
from collections.abc import Callable
from typing import Literal

from botocore.exceptions import ClientError

from deploy.aws.provision import templates
from deploy.aws.provision.account import code
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.stack_state import EMPTY, OURS, State, Watched

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
_OVERTAKEN = {"ChangeSetNotFound", "InvalidChangeSetStatus"}
_BEGINS_WITHIN = 30
"""Seconds in which a deletion shows."""
_NO_CHANGE = ("didn't contain changes", "No updates are to be performed")
Outcome = Literal["made", "changed", "as it was"]


class Stacks(Watched):
    """The stacks of an account and region, and changing them."""

    def make(self, name: str, values: dict[str, str]) -> Outcome:
        """Make a stack, or bring it to what its file and the values say.

        Args:
            name: of the stack.
            values: of its parameters; others have their defaults.

        Raises:
            RefusedError: it could not be made; a new one is gone then, an old one as it was.
        """
        state = self.settled(name)
        if state is not None and state.status in _BROKEN:
            self.told(f"{name}: {state.status}, from before: deleted first")
            self.delete(name)
            state = None
        if state is not None and state.status == "UPDATE_ROLLBACK_FAILED":
            way = f"aws cloudformation continue-update-rollback --stack-name {self.title(name)}"
            raise RefusedError(f"{name}: {state.status}: {self.failure(state.id)}; {way}")
        new = state is None or state.status == EMPTY
        change = self._change(name, values, new)
        if change is None:
            return "as it was"
        self._hold(name, change)
        self._carry_out(name, change, new)
        return "made" if new else "changed"

    def _change(self, name: str, values: dict[str, str], new: bool) -> str | None:
        """Return the change set between what is and what shall be; None where there is none."""
        change = self._asked(
            name,
            StackName=self.title(name),
            ChangeSetName=f"up-{time.time_ns()}",
            ChangeSetType="CREATE" if new else "UPDATE",
            TemplateBody=templates.path(name).read_text(encoding="utf-8"),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in values.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
            Tags=[OURS],
            **({"OnStackFailure": "DELETE"} if new else {}),
        )
        for _ in self.until(f"{name}: the change set"):
            told = self.client.describe_change_set(ChangeSetName=change)
            if told["Status"] == "CREATE_COMPLETE":
                return change
            if told["Status"] == "FAILED":
                self._take_back(name, change, told.get("StatusReason", ""), new)
                return None
        raise AssertionError

    def _asked(self, name: str, **change: object) -> str:
        """Ask for a change set; what CloudFormation says of a stack and its values names it."""
        try:
            return str(self.client.create_change_set(**change)["Id"])
        except ClientError as error:
            if code(error) in _OF_STACK:
                raise RefusedError(f"{name}: {error.response['Error']['Message']}") from error
            raise

    def _take_back(self, name: str, change: str, reason: str, new: bool) -> None:
        """Delete a change set that changes nothing; refuse one that failed."""
        self.client.delete_change_set(ChangeSetName=change)
        if new:
            self.client.delete_stack(StackName=self.title(name))  # what holds but the change set
        if not any(each in reason for each in _NO_CHANGE):
            raise RefusedError(f"{name}: {reason}")

    def _hold(self, name: str, change: str) -> None:
        """Refuse to replace what holds something."""
        pages = self.client.get_paginator("describe_change_set").paginate(ChangeSetName=change)
        changes = [each["ResourceChange"] for page in pages for each in page["Changes"]]
        lost = [
            f"{each['LogicalResourceId']} ({each['ResourceType']})"
            for each in changes
            if each["ResourceType"] in _HOLDING
            and (each["Action"] == "Remove" or each.get("Replacement") == "True")
        ]
        if lost:
            self.client.delete_change_set(ChangeSetName=change)
            raise RefusedError(
                f"{name}: {', '.join(lost)} would be replaced, and what it holds be lost; nothing "
                "was changed. down and up make it anew, another ClusterName makes one beside it"
            )

    def _carry_out(self, name: str, change: str, new: bool) -> None:
        stack = self.client.describe_change_set(ChangeSetName=change)["StackId"]
        try:
            self.client.execute_change_set(ChangeSetName=change)
        except ClientError as error:
            if code(error) not in _OVERTAKEN:
                raise
            why = error.response["Error"]["Message"]
            raise RefusedError(f"{name}: somebody else changes it now: {why}") from error
        state = self._executed(name, stack, change)
        if state.status != ("CREATE_COMPLETE" if new else "UPDATE_COMPLETE"):
            gone = state.status == "DELETE_COMPLETE"
            left = "nothing of it is left" if gone else state.status
            raise RefusedError(f"{name}: {self.failure(state.id)}; {left}")

    def _executed(self, name: str, stack: str, change: str) -> State:
        """Wait until a change set was carried out: at first the stack is still as it was."""
        for _ in self.until(name, stack):
            try:
                told = self.client.describe_change_set(ChangeSetName=change)["ExecutionStatus"]
            except ClientError as error:
                if code(error) not in {"ChangeSetNotFound", "ValidationError"}:
                    raise
                break  # gone with the stack
            if told not in {"AVAILABLE", "EXECUTE_IN_PROGRESS"}:
                break
        return self.ended(name, stack)

    def delete(self, name: str, meanwhile: Callable[[], object] = lambda: None) -> bool:
        """Delete a stack; return whether there was one.

        Args:
            name: of the stack.
            meanwhile: is done while it goes, such as letting go of what holds it.

        Raises:
            RefusedError: something in it could not be deleted.
        """
        before = self.settled(name)
        if before is None or before.status == "DELETE_COMPLETE":
            return False
        self.client.delete_stack(StackName=before.id)
        self._begun(before)
        state = self.ended(name, before.id, meanwhile)
        if state.status != "DELETE_COMPLETE":
            why = self.failure(state.id, ("DELETE_IN_PROGRESS",))
            raise RefusedError(f"{name}: {state.status}: {why}")
        return True

    def _begun(self, before: State) -> None:
        """Wait until a stack says that it is deleted: at first it may still be as it was."""
        end = time.monotonic() + _BEGINS_WITHIN
        while (state := self.described(before.id)) and state.status == before.status:
            if time.monotonic() > end:
                return
            time.sleep(self.pause)
