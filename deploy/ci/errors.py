"""What ends a step of a pipeline: one message, and a status that is not 0."""


class PipelineError(Exception):
    """A step that failed: what it found, in a line or a few."""

    status = 1


class UsageError(PipelineError):
    """A step that was asked for in a way that cannot be: nothing was done."""

    status = 2


class CancelledError(BaseException):
    """A step that was told to end: nothing goes on after it but what undoes the step."""

    status = 143
