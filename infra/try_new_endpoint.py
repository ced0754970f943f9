"""Tries `make new-endpoint`, from the command to the green test, measures what an endpoint costs by hand, and takes it away.

It must leave the tree as it was, so it begins only where nothing is uncommitted.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PART, NAME = "tickets", "try_new_endpoint"

# What an endpoint may cost by hand outside its business.
MOST_FILES, MOST_LINES = 5, 30

ROW = f"| `{NAME}` | BatchGetItem | 2 | 0 |\n"


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def run(*command: str) -> str:
    """The output of a command that may fail."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return f"{done.stdout}\nexit {done.returncode}"


def expect(output: str, *wanted: str) -> None:
    for text in wanted:
        if text not in output:
            raise SystemExit(f"{output[-6000:]}\n\n`{text}` was expected above.")


def edit(path: str, old: str, new: str) -> None:
    file = ROOT / path
    text = file.read_text()
    if old not in text:
        raise SystemExit(f"{path} has no `{old}` any more: mend infra/try_new_endpoint.py.")
    file.write_text(text.replace(old, new, 1))


def tests() -> tuple[str, str]:
    own = run("cargo", "test", "--quiet", "--package", PART, "--lib", NAME)
    every = run("cargo", "test", "--quiet", "--package", "tests", "--", "routes::", "bad_input::", "authorization::")
    return own, every


def inside() -> None:
    """Beside a stack in which the skeleton is deployed: the tests name what is missing, and once it is there they pass."""
    own, every = tests()
    expect(own, "infra/data-model.md", "exit 101")
    expect(every, f"{NAME} is not in tests/suite/parts/{PART}.rs", "exit 101")
    edit("infra/data-model.md", "| `list_my_tickets` |", f"{ROW}| `list_my_tickets` |")
    edit(f"tests/suite/parts/{PART}.rs", "_ => return None,", f'"{NAME}" => rows,\n        _ => return None,')
    own, every = tests()
    expect(own, "exit 0")
    expect(every, "exit 0")


def business(source: str) -> int:
    """The lines of an endpoint that say what it is for: its view, its handler's body, its tests."""
    view = re.search(r"^/// What is answered\.\n.*?^}\n", source, re.M | re.S)
    body = re.search(r"^\) -> Result<[^\n]*\n(.*?)^}\n", source, re.M | re.S)
    test = source[source.index("#[cfg(test)]"):]
    return sum(len(text.splitlines()) for text in (view[0], body[1], test))


def measure() -> tuple[int, int]:
    """How many files besides the endpoint's own, and how many lines, are written by hand outside the business."""
    git("add", "--all", "--intent-to-add")
    files = lines = 0
    for change in git("diff", "--numstat").splitlines():
        added, _, path = change.split("\t")
        attributes = git("check-attr", "linguist-generated", path)
        if attributes.rstrip().endswith(": set") or path.endswith("Cargo.lock"):
            continue
        count = int(added)
        if path.endswith(f"/{NAME}.rs"):
            count -= business((ROOT / path).read_text())
        files, lines = files + 1, lines + count
        print(f"  {count:3} lines  {path}")
    return files, lines


def restore() -> None:
    git("reset", "--quiet", "--hard")
    git("clean", "--quiet", "--force", "-d", "functions")


def main() -> None:
    if git("status", "--porcelain"):
        raise SystemExit("Something is uncommitted, and this ends with a clean tree: commit it first.")
    make = [sys.executable, "infra/new_endpoint.py", PART]
    try:
        # One with an id in its path is only compiled: what it looks up must be written first.
        subprocess.run([*make, f"{NAME}_of", "post", f"/v1/{NAME}/{{ticketId}}"], cwd=ROOT, check=True)
        subprocess.run(["cargo", "check", "--quiet", "--package", PART, "--tests"], cwd=ROOT, check=True)
        restore()
        subprocess.run([*make, NAME], cwd=ROOT, check=True)
        stack = [sys.executable, "infra/local/stack.py", "run", "--set", "HoldSeconds=60", "--"]
        subprocess.run([*stack, sys.executable, __file__, "inside"], cwd=ROOT, check=True)
        print("By hand, outside the business and without generated files:")
        files, lines = measure()
    finally:
        restore()
    print(f"A new endpoint: {files} files, {lines} lines by hand (at most {MOST_FILES} and {MOST_LINES}).")
    if files > MOST_FILES or lines > MOST_LINES:
        raise SystemExit("That is too much to be copied ninety times.")


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        inside()
    else:
        main()
