"""Writing a bundle for a home: beside the place first, renamed in when it is whole."""

from pathlib import Path

from clickthrough.bundle.beside import written_beside
from clickthrough.bundle.load import Bundle
from clickthrough.errors import BundleError
from clickthrough.export.example import Example
from clickthrough.export.homes import Home
from clickthrough.export.place import check_place
from clickthrough.export.readme import README, write_readme


def export_bundle(
    bundle: Bundle,
    home: Home,
    target: Path,
    example: Example | None = None,
    force: bool = False,
) -> None:
    """Write a bundle for another home.

    Args:
        bundle: what is written; nothing reads it back from there.
        home: what for.
        target: a new or empty directory, outside the bundle.
        example: impressions to write beside, and on which the home must agree; see
            :func:`clickthrough.export.sample.log_example`.
        force: replace an earlier export to the same home that stands there.

    Raises:
        BundleError: the place cannot be used, the home cannot hold this bundle, or would not
            answer as the bundle does; nothing is written then.
    """
    target = target.resolve()
    check_place(bundle, home, target, force)
    try:
        with written_beside(target) as beside:
            home.write(bundle, beside, example)
            if example is not None:
                example.write(beside, "features" if home.takes_columns else "impression")
            if README in home.files:
                write_readme(beside, home.name, bundle)
    except OSError as error:
        raise BundleError(f"{target}: cannot be written: {error}") from None
