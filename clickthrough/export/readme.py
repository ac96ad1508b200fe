"""What stands beside an export for whoever opens it: how it is run, and what it does not do."""

import json
from importlib.resources import files
from pathlib import Path
from string import Template

from clickthrough._version import __version__
from clickthrough.bundle.load import Bundle
from clickthrough.serving.open_inference import MODEL
from clickthrough.serving.own_fields import SHORT, sample

README = "README.md"


def write_readme(folder: Path, home: str, bundle: Bundle) -> None:
    """Write ``README.md``; its text lies beside the code of the home.

    Args:
        folder: where.
        home: whose.
        bundle: whose version and fields it names, and an impression of which it shows.
    """
    text = (files("clickthrough.export") / home / README).read_text(encoding="utf-8")
    fields = [bundle.schema.input_name(name) for name in bundle.plan.fields]
    row = sample(bundle, SHORT).impression
    example = json.dumps(row).replace("'", r"\u0027")  # it stands between such quotes
    made = Template(text).substitute(
        bundle=bundle.manifest.version,
        clickthrough=__version__,
        counters_until=bundle.manifest.counters_until,
        example=example,
        example_text=json.dumps(example),
        example_python=repr(row),
        fields=", ".join(f"`{name}`" for name in fields),
        model=MODEL,
    )
    (folder / README).write_text(made, encoding="utf-8")
