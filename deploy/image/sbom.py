"""Complete the list of what the image holds by Debian's packages (CycloneDX).

``python sbom.py PYTHON_LIST STATUS_DIRECTORY RESULT``, where cyclonedx-bom is installed: it has
listed the Python packages.
"""

import json
import sys
from email.parser import Parser
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL


def main(listed: Path, entries: Path, result: Path) -> None:
    """Write the whole list."""
    bom: Bom = Bom.from_json(json.loads(listed.read_text()))
    for path in sorted(entries.iterdir()):
        bom.components.add(debian(path.read_text()))
    made = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    result.write_text(made.output_as_string(indent=2))


def debian(entry: str) -> Component:
    """Return a package of Debian by dpkg's entry of it."""
    told = Parser().parsestr(entry, headersonly=True)
    name, version = told["Package"], told["Version"]
    qualifiers = {"arch": told["Architecture"], "distro": "debian"}
    url = PackageURL("deb", "debian", name, version, qualifiers)
    return Component(
        name=name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url)
    )


if __name__ == "__main__":
    main(*(Path(part) for part in sys.argv[1:4]))
