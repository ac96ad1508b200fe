"""Make all that the service needs on AWS, or bring it to what the files say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from deploy.aws.provision import billing, command, parameters, templates
from deploy.aws.provision.account import Account
from deploy.aws.provision.charts import FILE as CHARTS
from deploy.aws.provision.charts import charts
from deploy.aws.provision.cloudformation import Stacks
from deploy.aws.provision.cluster import in_cluster
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.preflight import fits, free, zones
from deploy.aws.provision.programs import need


@dataclass
class Up:
    """A run of the command.

    Attributes:
        given: parameters.
        account: where it is made.
        stacks: of that account.
        names: of the stacks, in order.
        charts: the file that names them.
    """

    given: dict[str, str]
    account: Account
    stacks: Stacks
    names: tuple[str, ...]
    charts: Path

    def check(self) -> None:
        """Look at everything that could refuse, before anything is made."""
        need("aws", "kubectl", "helm")
        free(self.account, self.stacks, self.names)
        fits(self.account, self.given)
        if not self.given.get("ZoneNames", "").strip(","):  # nobody has chosen
            self.given["ZoneNames"] = zones(self.account, int(self.given["Zones"]))

    def make(self) -> dict[str, str]:
        """Make the stacks; return their outputs."""
        made: dict[str, str] = {}
        for name in self.names:
            outcome = self.stacks.make(name, values(name, self.given, made))
            self.stacks.told(f"stack {templates.title(name, self.stacks.cluster)}: {outcome}")
            state = self.stacks.state(name)
            made |= state.outputs if state else {}
        return made

    def leave_zones(self, group: str) -> None:
        """Keep the group from ending nodes to even zones out: the autoscaler drains them."""
        client = self.account.client("autoscaling")
        client.suspend_processes(AutoScalingGroupName=group, ScalingProcesses=["AZRebalance"])

    def fill(self, made: Mapping[str, str], minutes: float) -> None:
        """Wait for nodes, and install what the cluster needs beside the add-ons of EKS."""
        told = self.stacks.told
        with in_cluster(self.account, self.stacks) as cluster:
            cluster.connect()
            cluster.nodes_ready(int(self.given["NodesMin"]), minutes)
            told(f"nodes: {self.given['NodesMin']} are ready")
            for chart in charts(self.charts, {**self.given, **made}):
                done = "installed" if cluster.install(chart) else "as it was"
                told(f"chart {chart.name} {chart.version}: {done}")


def values(name: str, given: Mapping[str, str], made: Mapping[str, str]) -> dict[str, str]:
    """Return what a stack is given: outputs of those before it, parameters, else its defaults."""
    known = {**given, **made}
    return {key: known[key] for key in templates.parameters(name) if key in known}


def plan(run: Up, states: Mapping[str, str]) -> Iterator[str]:
    """Yield the steps, in words.

    Args:
        run: whose steps.
        states: what is known of the stacks.
    """
    given, cluster = run.given, run.given["ClusterName"]
    for name in run.names:
        resources = len(templates.stack(name)["Resources"])
        what = templates.stack(name)["Description"].removeprefix("clickthrough - ")
        title = templates.title(name, cluster)
        yield f"stack {title} ({states[name]}): {what}; {resources} resources"
    yield f"in the cluster: wait until {given['NodesMin']} nodes are ready"
    for chart in charts(run.charts, {**given, "VpcId": "the network's"}):
        yield f"in the cluster: chart {chart.name} {chart.version} of {chart.repository}"


def main(  # noqa: PLR0913, PLR0917 - an option each
    optional: Annotated[
        list[str] | None, typer.Argument(help="Stacks beside those that are always made.")
    ] = None,
    file: command.Parameters = command.FILE,
    said: command.Set = None,
    dry_run: command.DryRun = False,
    yes: command.Yes = False,
    inside: Annotated[
        bool, typer.Option("--inside", help="This machine reaches the network: no public access.")
    ] = False,
    charts_file: Annotated[
        Path, typer.Option("--charts", help="What is installed in the cluster.", show_default=False)
    ] = CHARTS,
    minutes: command.Minutes = 45,
) -> None:
    """Make the registry, the network, the cluster, its nodes and what runs on them.

    Again, it changes nothing. An earlier run that ended, wherever it did, is gone on with.
    """
    with command.one_line(""):
        given = parameters.read(file, said or ())
        names = _names(optional or [])
        unreachable = None if inside else out_of_reach(given)
        if unreachable and not dry_run:
            raise RefusedError(unreachable)
        account = Account(given["Region"])
    with command.one_line(account.region):
        stacks = Stacks(
            account.client("cloudformation"), given["ClusterName"], minutes, told=command.say
        )
        run = Up(given, account, stacks, names, charts_file)
        _show(run, dry_run)
        if dry_run:
            command.say(unreachable or "nothing was done")
            return
        run.check()
        command.confirmed("Make it?", "yes", yes)
        made = run.make()
        run.leave_zones(made["NodeGroup"])
        run.fill(made, minutes)
        _end(given, made)


def _names(optional: list[str]) -> tuple[str, ...]:
    """Return the stacks to be made, in order; refuse one that another has to be made for."""
    for name in optional:
        if name not in templates.OPTIONAL:
            raise RefusedError(f"{name}: no such stack; there are {', '.join(templates.OPTIONAL)}")
    if {"github", "codepipeline"} <= set(optional):
        raise RefusedError("github, codepipeline: a tag would start both: name one of them")
    names = (*templates.ORDER, *(name for name in templates.OPTIONAL if name in optional))
    made = {output for name in names for output in templates.outputs(name)}
    for other in set(templates.OPTIONAL) - set(names):
        gives = set(templates.outputs(other)) - made
        for name in optional:
            if gives & templates.needed(name):
                raise RefusedError(f"{name}: it takes what {other} gives: name both")
    return names


def out_of_reach(given: Mapping[str, str]) -> str | None:
    """Say what lacks for this machine to speak to the cluster once it is made."""
    if given.get("PublicAccessCidrs"):
        return None
    return (
        "PublicAccessCidrs is empty: kubectl would not reach the cluster from here. Give your "
        'address, --set PublicAccessCidrs="$(curl -s https://checkip.amazonaws.com)/32", or say '
        "--inside where this machine is in the network"
    )


def _show(run: Up, dry_run: bool) -> None:
    """Print who asks, every step and the price of an hour."""
    for step in plan(run, command.look(run.account, run.stacks, run.names, dry_run)):
        command.say(f"  {step}")
    for line in billing.bill(run.given):
        command.say(line)


def _end(given: Mapping[str, str], made: Mapping[str, str]) -> None:
    name, region = given["ClusterName"], given["Region"]
    command.say(f"images go to {made['ServiceImage']}, bundles to {made['BundlesBucket']}")
    command.say(f"kubectl: aws eks update-kubeconfig --name {name} --region {region}")
