"""What both commands share: their options, their questions, their last line."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from deploy.aws.provision import parameters
from deploy.aws.provision.account import FROM_AWS, Account, meaning
from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.stack_state import Watched

Parameters = Annotated[
    Path, typer.Option("--parameters", help="What the stacks are given.", show_default=False)
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Name=value in the place of the file's; may be repeated."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print every step, and do nothing.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.", show_default=False)]
Minutes = Annotated[float, typer.Option(min=0.01, help="The longest wait for one stack.")]
FILE = parameters.FILE


def say(text: str) -> None:
    """Print a line at once: what is waited for takes minutes."""
    print(text, flush=True)


@contextmanager
def one_line(region: str) -> Iterator[None]:
    """Turn what was refused, here or by AWS, into a line and status 1."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as by Ctrl-C
    try:
        yield
    except RefusedError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
    except FROM_AWS as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {meaning(error, region)}")
    except (KeyboardInterrupt, BrokenPipeError) as error:
        why = "nobody reads what it says: " if isinstance(error, BrokenPipeError) else ""
        sys.stdout = None  # nothing is left to be written there
        sys.exit(
            f"{Path(sys.argv[0]).name}: {why}ended; what AWS was told to do goes on there, "
            "and the same command goes on from it"
        )


def look(
    account: Account, stacks: Watched, names: tuple[str, ...], dry_run: bool
) -> dict[str, str]:
    """Print who asks, and return what is known of each stack; nothing, perhaps, for a plan.

    Raises:
        RefusedError: a stack is somebody else's.
    """
    try:
        number, arn = account.identity
        found = {name: stacks.own(name) for name in names}
    except FROM_AWS as error:
        if not dry_run:
            raise
        say(f"{account.region}; the account was not asked: {meaning(error, account.region)}")
        return dict.fromkeys(names, "not looked at")
    say(f"account {number}, {account.region}, as {arn}")
    return {name: state.status if state else "not there" for name, state in found.items()}


def confirmed(question: str, answer: str, yes: bool) -> None:
    """Ask before what costs or cannot be undone.

    Raises:
        RefusedError: the answer is another, or nobody is there to ask.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise RefusedError(
            "nobody is there to ask: --yes answers, --dry-run shows what would be done"
        )
    try:
        said = input(f"{question} ({answer!r} goes on) ").strip()
    except EOFError:
        said = ""
    if said != answer:
        raise RefusedError("nothing was done")
