"""Going back: to the pods that were there before a release, whatever number they have by now."""

from deploy.ci.cluster import Cluster
from deploy.ci.errors import PipelineError, UsageError
from deploy.ci.record import Release
from deploy.ci.smoke import serves_again

READY = 60.0
"""Seconds until a service that was rolled out answers a caller."""


def roll_back(cluster: Cluster, made: Release, rollout: float, tolerance: float) -> str:
    """Go back to what was there before; say what was done.

    Raises:
        UsageError: what is there now is of neither: nothing was done.
        PipelineError: it is not there again.
    """
    if made.template is None:
        raise PipelineError("there was nothing before: the first deployment stays as it is")
    text = _begun(cluster, made)
    cluster.until_rolled_out(rollout)
    text = f"{text}, {_serves(cluster, made, tolerance)}"
    there = cluster.deployment()
    if there is None or there.spec.template != made.template:
        # an apply that was cut off may have arrived after all: whoever goes back again finds it
        raise PipelineError(f"{text}; but now something else is there")
    return text


def _begun(cluster: Cluster, made: Release) -> str:
    """Tell the cluster to go back, where it has not; say to what.

    What is asked is the Deployment's own template, which is what was applied last. Its number is
    written by a controller some time after, and changes with each going back.
    """
    there = cluster.deployment()
    if there is None:
        raise UsageError("the Deployment is gone: nothing to go back from")
    if there.spec.template == made.template:
        return "what was there before is in place"
    if made.image not in there.images:
        found = ", ".join(there.images)
        raise UsageError(f"{found} is neither what the release brought nor what was there before")
    revisions = [each.revision for each in cluster.replica_sets() if each.template == made.template]
    if not revisions:
        raise PipelineError("no ReplicaSet of what was there before is left to go back to")
    cluster.undo(max(revisions))
    return f"rolled back to revision {max(revisions)}"


def _serves(cluster: Cluster, made: Release, tolerance: float) -> str:
    """See that what was there before serves; say how it answers.

    Raises:
        PipelineError: it does not, or is of another version.
    """
    with cluster.reached() as service:
        service.until_ready(READY)
        if made.answers is None:
            return "which is ready; what it answered before is not known"
        version = made.answers.version
        if differ := serves_again(service, made.answers, tolerance):
            # it may count by fields that moved on meanwhile, as an old plan does
            return "\n  ".join([f"version {version}; its answers have moved:", *differ])
    return f"which answers as before, version {version}"
