"""Complete the list of what the image holds: Debian's packages, Swagger UI, the application.

``python sbom.py PYTHON_LIST ROOT VERSION_FILE RESULT``, where cyclonedx-bom is installed: it has
listed the Python packages. Advisories of Debian go by its release and by source packages, so each
package names both.
"""

import json
import platform
import re
import sys
from email.parser import Parser
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL


def main(listed: Path, root: Path, version_file: Path, result: Path) -> None:
    """Write the whole list."""
    bom: Bom = Bom.from_json(json.loads(listed.read_text()))
    release = platform.freedesktop_os_release()["VERSION_ID"]
    system = Component(name="debian", version=release, type=ComponentType.OPERATING_SYSTEM)
    bom.components.add(system)
    for path in sorted((root / "var/lib/dpkg/status.d").iterdir()):
        bom.components.add(debian(path.read_text(), release))
    bom.components.add(page(version_file.parent / "serving/swagger/package.json"))
    bom.metadata.component = application(version_file.read_text())
    made = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    result.write_text(made.output_as_string(indent=2))


def application(text: str) -> Component:
    """Return what the list is of."""
    found = re.search(r'"(.+)"', text.partition("__version__")[2])
    if found is None:
        sys.exit("no version of the application")
    return Component(
        name="clickthrough",
        version=found[1],
        type=ComponentType.APPLICATION,
        bom_ref="clickthrough",
    )


def page(package: Path) -> Component:
    """Return what shows the page of the documentation, by npm's entry of it."""
    told = json.loads(package.read_text())
    url = PackageURL("npm", None, told["name"], told["version"])
    return Component(
        name=told["name"],
        version=told["version"],
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=str(url),
    )


def debian(entry: str, release: str) -> Component:
    """Return a package of Debian by dpkg's entry of it."""
    told = Parser().parsestr(entry, headersonly=True)
    name, version = told["Package"], told["Version"]
    qualifiers = {"arch": told["Architecture"], "distro": f"debian-{release}"}
    source, _, of_source = told.get("Source", name).partition(" ")
    if source != name:
        qualifiers["upstream"] = source + (f"@{of_source.strip('()')}" if of_source else "")
    url = PackageURL("deb", "debian", name, version, qualifiers)
    return Component(
        name=name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url)
    )


if __name__ == "__main__":
    main(*(Path(part) for part in sys.argv[1:5]))
