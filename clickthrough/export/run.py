"""Writing a bundle for a home: beside the place first, renamed in when it is whole."""

import errno
from pathlib import Path

from clickthrough.beside import written_beside
from clickthrough.bundle.load import Bundle
from clickthrough.errors import BundleError
from clickthrough.export.copied import copied
from clickthrough.export.example import Example
from clickthrough.export.homes import Home
from clickthrough.export.marker import write_marker
from clickthrough.export.place import check_place
from clickthrough.export.readme import write_readme


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
            answer as the bundle does, or other files stand at the bundle's place by now; nothing
            is written then.
    """
    place = check_place(bundle, home, target, force)
    try:
        with written_beside(place) as beside:
            with copied(bundle, beside.with_name("bundle")) as own:
                home.write(own, beside, example)
            if example is not None:
                example.write(beside, "features" if home.takes_columns else "impression")
            write_readme(beside, home.name, bundle)
            write_marker(beside, home.name, bundle.manifest.version)
            check_place(bundle, home, target, force)  # again: all this took a while
    except OSError as error:
        # as of a mount of a directory of the same file system, which nothing else tells
        hint = "; name a directory below it" if error.errno == errno.EBUSY else ""
        raise BundleError(f"{place}: cannot be written: {error}{hint}") from None
