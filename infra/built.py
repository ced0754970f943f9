"""What the functions' binaries are built of, and how large they became.

`parts` lists the parts for deploy.yml, each with a hash of all that its binaries are built of: what has one already is not
built again. `check [PART]` prints the size of each function's zip, and fails when one is too large or when it was built of a
file that the hash leaves out.
"""

import hashlib
import io
import json
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAMBDA = ROOT / "target/lambda"
# What cargo wrote beside the binaries: the files that each was built of.
DEPENDENCIES = ROOT / "target/aarch64-unknown-linux-gnu/release"
# A larger zip takes longer to start, and what is near the bar has no room for what comes next.
LARGEST = 3_500_000
# What every binary is built with.
COMMON = ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "Makefile", "infra/local/requirements-deploy.txt")


def parts() -> list[str]:
    return sorted(folder.parent.name for folder in ROOT.glob("functions/*/Cargo.toml"))


def functions(part: str) -> list[str]:
    return sorted(binary.stem for binary in ROOT.glob(f"functions/{part}/src/bin/*.rs"))


def inputs(part: str) -> set[Path]:
    """All files that a part's binaries are built of."""
    files = {ROOT / name for name in COMMON}
    for crate in _crates(ROOT / "functions" / part):
        files.add(crate / "Cargo.toml")
        for folder in ("src", "templates"):
            files |= {file for file in (crate / folder).rglob("*") if file.is_file()}
        if (script := crate / "build.rs").exists():
            # It puts the documents of all parts together.
            files |= {script, *ROOT.glob("functions/*/openapi.json")}
    return files | {included for file in files if file.suffix == ".rs" for included in _included(file)}


def _crates(crate: Path) -> set[Path]:
    """A crate of ours with those of ours that it needs."""
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["dependencies"]
    found, ahead = set(), {crate}
    while ahead:
        found |= ahead
        needed = {name for crate in ahead for name in tomllib.loads((crate / "Cargo.toml").read_text())["dependencies"]}
        ours = (workspace[name] for name in needed)
        ahead = {ROOT / it["path"] for it in ours if isinstance(it, dict) and "path" in it} - found
    return found


def _included(file: Path) -> Iterator[Path]:
    """What a source takes in from elsewhere."""
    for name in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', file.read_text()):
        yield (file.parent / name).resolve()


def fingerprint(part: str) -> str:
    whole = hashlib.sha256()
    for file in sorted(inputs(part)):
        whole.update(f"{file.relative_to(ROOT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def size(binary: Path) -> int:
    """Of the zip that SAM makes of it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(binary, binary.name)
    return archive.tell()


def forgotten(part: str, function: str) -> set[Path]:
    """What a binary was built of and the hash does not see."""
    _, _, built_of = (DEPENDENCIES / f"{function}.d").read_text().partition(": ")
    files = {(ROOT / name.replace("\\ ", " ")).resolve() for name in re.findall(r"(?:\\ |\S)+", built_of)}
    ours = {file for file in files if file.is_relative_to(ROOT) and not file.is_relative_to(ROOT / "target")}
    return ours - inputs(part)


def check(chosen: list[str]) -> list[str]:
    """Prints the sizes, and answers what is wrong."""
    faults = []
    for part in chosen:
        for function in functions(part):
            bytes_zipped = size(LAMBDA / function / "bootstrap")
            print(f"{bytes_zipped / 1e6:6.2f} MB  {function}")
            if bytes_zipped > LARGEST:
                faults.append(f"{function}: its zip has {bytes_zipped / 1e6:.2f} MB, and {LARGEST / 1e6} is the most")
            faults += [f"{function} was built of {file.relative_to(ROOT)}, which infra/built.py does not know"
                       for file in sorted(forgotten(part, function))]
    return faults


def main() -> None:
    match sys.argv[1:]:
        case ["parts"]:
            print(json.dumps([{"part": part, "inputs": fingerprint(part)} for part in parts()]))
        case ["check", *chosen]:
            if faults := check(chosen or parts()):
                raise SystemExit("\n".join(faults))
        case _:
            raise SystemExit("usage: built.py parts | check [PART]")


if __name__ == "__main__":
    main()
