"""What CloudFormation says of a stack, and waiting for it."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from deploy.aws.provision import templates
from deploy.aws.provision.account import Client, code
from deploy.aws.provision.errors import RefusedError

OURS = {"Key": "Project", "Value": "clickthrough"}
"""The tag by which a stack is known as one of these."""
EMPTY = "REVIEW_IN_PROGRESS"
"""A stack of which there is but a change set: it holds nothing, and has no tags yet."""
_CHANGES = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
_TOLD_EVERY = 60
"""Seconds between two words on what is waited for."""


@dataclass
class State:
    """What CloudFormation says of a stack."""

    id: str
    status: str
    ours: bool
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Watched:
    """The stacks of an account and region, as they are.

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

    def title(self, name: str) -> str:
        """Return the name under which CloudFormation knows a stack."""
        return templates.title(name, self.cluster)

    def state(self, name: str) -> State | None:
        """Return the state of a stack, or None where there is none."""
        return self.described(self.title(name))

    def described(self, title: str) -> State | None:
        """Return the state of a stack by its title or its identifier."""
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
        if state is not None and not state.ours and state.status != EMPTY:
            raise RefusedError(
                f"{self.title(name)}: a stack of this name exists and is not one of these (it has "
                "no tag Project=clickthrough): choose another ClusterName, or delete it"
            )
        return state

    def settled(self, name: str) -> State | None:
        """Return the state of a stack of ours once nothing changes it."""
        state = self.own(name)
        if state is None or not busy(state.status):
            return state
        self.told(f"{name}: {state.status}, from before: waiting")
        return self.ended(name, state.id)

    def ended(self, name: str, stack: str, meanwhile: Callable[[], object] = lambda: None) -> State:
        """Wait until nothing changes a stack.

        Args:
            name: of the stack.
            stack: its identifier.
            meanwhile: is done between two looks.
        """
        for _ in self.until(name, stack):
            state = self.described(stack)
            if state is None:
                return State(stack, "DELETE_COMPLETE", ours=True)
            if not busy(state.status):
                return state
            meanwhile()
        raise AssertionError

    def _going_on(self, stack: str) -> list[str]:
        told = self.client.describe_stack_resources(StackName=stack)["StackResources"]
        return [
            f"{each['LogicalResourceId']} {each['ResourceStatus']}"
            for each in told
            if each["ResourceStatus"].endswith("IN_PROGRESS")
        ]

    def until(self, what: str, stack: str | None = None) -> Iterator[None]:
        """Yield until the time is over, with pauses between; each minute say what goes on.

        Args:
            what: is waited for.
            stack: the identifier of what goes on, if it is a stack.

        Raises:
            RefusedError: it is over.
        """
        began = shown = time.monotonic()
        while (now := time.monotonic()) - began < self.minutes * 60:
            yield
            if stack is not None and now - shown > _TOLD_EVERY:
                shown = now
                self.told(f"{what}: {', '.join(self._going_on(stack)) or 'waiting'}")
            time.sleep(self.pause)
        raise RefusedError(
            f"{what} is not done after {self.minutes:g} minutes; it goes on by itself: "
            "the same command again waits for it"
        )

    def failure(self, stack: str, began: Collection[str] = _CHANGES) -> str:
        """Say which resource failed first in the last change of a stack, and why.

        Args:
            stack: its identifier.
            began: states of the stack at which the change began. A new stack that fails is deleted
                after it: that is no change of its own.
        """
        reason = "it failed, and CloudFormation says no more"
        for event in self._events(stack):
            status, why = event.get("ResourceStatus", ""), event.get("ResourceStatusReason", "")
            if event["PhysicalResourceId"] == event["StackId"]:
                if status in began:
                    break  # events come newest first
            elif status.endswith("FAILED") and "cancelled" not in why:
                reason = f"{event['LogicalResourceId']} ({event['ResourceType']}): {why or status}"
        return reason

    def _events(self, stack: str) -> list[dict[str, str]]:
        try:
            pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack)
            return [event for page in pages for event in page["StackEvents"]]
        except ClientError as error:
            if code(error) != "ValidationError":
                raise
            return []  # it is gone, with them

    def clusters(self) -> set[str]:
        """Return the names of all clusters of which a stack is there, in this region."""
        pages = self.client.get_paginator("describe_stacks").paginate()
        ours = [
            each["StackName"]
            for page in pages
            for each in page["Stacks"]
            if OURS in [dict(tag) for tag in each.get("Tags", [])]
        ]
        ends = [f"-{name}" for name in templates.ALL if name not in templates.SHARED]
        return {title.removesuffix(end) for title in ours for end in ends if title.endswith(end)}


def busy(status: str) -> bool:
    """Say whether a stack is being changed.

    >>> busy("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), busy("REVIEW_IN_PROGRESS")
    (True, False)
    """
    return status.endswith("IN_PROGRESS") and status != EMPTY
