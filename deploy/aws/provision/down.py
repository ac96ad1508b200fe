"""Delete what ``up`` made, and what Kubernetes made beside it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated

import typer

from deploy.aws.provision import billing, command, parameters, templates
from deploy.aws.provision.account import FROM_AWS, Account
from deploy.aws.provision.cloudformation import Stacks
from deploy.aws.provision.cluster import in_cluster
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.kept import (
    buckets,
    delete_bucket,
    delete_logs,
    empty_repositories,
)
from deploy.aws.provision.leftovers import interfaces, leftovers, sweep, sweep_once
from deploy.aws.provision.programs import need

BEFORE_NETWORK = tuple(reversed(templates.ORDER[templates.ORDER.index("network") + 1 :]))
"""Stacks of a cluster, in the order in which they are deleted."""


@dataclass
class Down:
    """A run of the command.

    Attributes:
        account: where things are deleted.
        stacks: of that account.
        images: whether the repositories go, with their images.
        bundles: whether the bucket goes, with its bundles.
    """

    account: Account
    stacks: Stacks
    images: bool
    bundles: bool
    _seen: set[str] = field(default_factory=set)

    @property
    def cluster(self) -> str:
        """The name of the cluster."""
        return self.stacks.cluster

    def clear(self) -> None:
        """Delete load balancers and volumes through the cluster, where it answers."""
        told = self.stacks.told
        if self.stacks.state("cluster") is None:
            told("cluster: there is none")
            return
        with in_cluster(self.account, self.stacks) as cluster:
            try:
                cluster.connect()
                cluster.clear()
            except RefusedError as error:
                told(f"cluster: {error}; what it made is looked for in AWS instead")

    def sweep(self, bills: bool) -> None:
        """Delete what is left of that, by its tags; what bills alone while nodes hold the rest."""
        sweep(
            lambda: (
                each for each in leftovers(self.account, self.cluster) if each.bills or not bills
            ),
            self.stacks.told,
            self.stacks.minutes,
            self.stacks.pause,
        )

    def delete(self, name: str) -> None:
        """Delete a stack, and meanwhile the interfaces that hold its firewalls and subnets."""
        done = "deleted" if self.stacks.delete(name, self._let_go) else "there is none"
        self.stacks.told(f"stack {templates.title(name, self.cluster)}: {done}")

    def _let_go(self) -> None:
        client = self.account.client("ec2")
        sweep_once(lambda: interfaces(client, self.cluster), self.stacks.told, self._seen)

    def check(self) -> None:
        """Look at what could refuse, before anything is deleted.

        Raises:
            RefusedError: a program lacks, or other clusters need what would go.
        """
        need("aws", "kubectl")
        others = self.stacks.clusters() - {self.cluster}
        if others and (self.images or self.bundles):
            raise RefusedError(
                f"--images, --bundles: {', '.join(sorted(others))} in this region "
                "has the same repositories and bucket: delete it first"
            )

    def all(self) -> None:
        """Delete everything that was asked for, in order."""
        for name in reversed(templates.OPTIONAL):
            if self.stacks.own(name) is not None:
                self.delete(name)
        self.delete_buckets("builds")  # what one job of the pipeline handed to the next
        self.clear()
        self.sweep(bills=True)
        for name in BEFORE_NETWORK:
            self.delete(name)
        delete_logs(self.account, self.cluster)
        self.sweep(bills=False)
        self.delete("network")
        if self.images:
            empty_repositories(self.account, self.stacks)
            self.delete("registry")
        if self.bundles:
            self.delete("bundles")
            self.delete_buckets("bundles")

    def delete_buckets(self, name: str) -> None:
        """Delete the buckets that a stack left, with what they hold."""
        for bucket in buckets(self.account, self.stacks.title(name)):
            delete_bucket(self.account, bucket)
            self.stacks.told(f"bucket {bucket}: deleted")


def plan(run: Down, there: Mapping[str, str]) -> Iterator[str]:
    """Yield the steps, in words."""

    def step(name: str, what: str = "deleted") -> str:
        title = templates.title(name, run.cluster)
        return f"stack {title} ({there[name]}): {what}"

    yield from map(step, reversed(templates.OPTIONAL))
    yield "in the cluster: Services with their load balancers, then namespaces with their volumes"
    yield "load balancers, volumes, interfaces and firewalls that it left: deleted by their tags"
    yield from map(step, (*BEFORE_NETWORK, "network"))
    gone = "deleted, with all that it holds"
    yield step("registry", gone if run.images else "stays, with its images; --images deletes it")
    yield step("bundles", gone if run.bundles else "stays, with its bucket; --bundles deletes it")


def main(  # noqa: PLR0913, PLR0917 - an option each
    file: command.Parameters = command.FILE,
    said: command.Set = None,
    dry_run: command.DryRun = False,
    yes: command.Yes = False,
    images: Annotated[
        bool, typer.Option("--images", help="The repositories too, with all images.")
    ] = False,
    bundles: Annotated[
        bool, typer.Option("--bundles", help="The bucket too, with all bundles.")
    ] = False,
    minutes: command.Minutes = 45,
) -> None:
    """Delete load balancers first, then nodes, the control plane, the network.

    Images and bundles stay unless they are asked for. What still bills is listed at the end.
    """
    with command.one_line(""):
        given = parameters.read(file, said or ())
        account = Account(given["Region"])
    with command.one_line(account.region):
        stacks = Stacks(
            account.client("cloudformation"), given["ClusterName"], minutes, told=command.say
        )
        run = Down(account, stacks, images, bundles)
        _show(run, dry_run)
        if dry_run:
            return
        run.check()
        command.confirmed(
            f"Delete {run.cluster}, with all that its volumes hold?", run.cluster, yes
        )
        try:
            run.all()
        finally:
            with suppress(*FROM_AWS):  # what ended it is told instead
                _end(run)


def _show(run: Down, dry_run: bool) -> None:
    for step in plan(run, command.look(run.account, run.stacks, templates.ALL, dry_run)):
        command.say(f"  {step}")


def _end(run: Down) -> None:
    """Print what still bills."""
    delete_logs(run.account, run.cluster)  # the last lines of a cluster make it anew
    left = list(billing.still_there(run.account, run.stacks))
    command.say("what still bills:" if left else "nothing of these bills any more")
    for each in left:
        command.say(f"  {each}")
