"""What may be installed here, by its licence: deny.toml is for what is built in, this for tools."""

import json
import re
import sys
from importlib.metadata import distributions
from pathlib import Path

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "PSF-2.0", "Python-2.0",
    "Unlicense",
}
# Older spellings of packages that were read by a person.
SAME = {
    "Apache 2.0": "Apache-2.0", "ISC License": "ISC",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause", "License :: OSI Approved :: MIT License": "MIT",
}
# Say it in no field, but in a file: `reserved` in LICENSE-MIT.
KNOWN = {"reserved": "MIT"}


def of_npm(folder: Path) -> dict[str, str]:
    lock = json.loads((folder / "package-lock.json").read_text())
    names = {path: path.rpartition("node_modules/")[2] for path in lock["packages"] if path}
    return {name: lock["packages"][path].get("license") or KNOWN.get(name, "none") for path, name in names.items()}


def of_python() -> dict[str, str]:
    def licence(about) -> str:
        """The first field that says it so that we know it; the older ones are often a whole text."""
        classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
        said = [text for text in (about["License-Expression"], about["License"], *classifiers) if text]
        return next((text for text in said if allowed(text)), said[0] if said else "none")

    return {package.metadata["Name"]: licence(package.metadata) for package in distributions()}


def allowed(licence: str) -> bool:
    names = re.split(r" (?:OR|AND) ", SAME.get(licence, licence).strip("()"))
    good = [SAME.get(name, name) in ALLOWED for name in names]
    return any(good) if " OR " in licence else all(good)


refused = {name: licence for name, licence in {**of_npm(Path(sys.argv[1])), **of_python()}.items() if not allowed(licence)}
if refused:
    sys.exit(f"Not under a licence that is allowed for tools (.ci/clients/licences.py): {refused}")
