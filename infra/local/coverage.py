"""`cargo test --workspace --lib` with counters in our own crates, and how many of their lines that reaches.

Only our crates are compiled anew for it; what they stand on is shared with the other builds. The tests' own lines
don't count. With `--no-run` it compiles only.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from templates import ROOT

PROFILES = ROOT / "target/coverage"
TESTS = ["cargo", "test", "--workspace", "--lib"]
# Of the lines of code in a folder, at least so many percent.
LEAST = {"shared/domain": 85, "": 75}
# What stands on tests alone, or only starts what is tested.
NO_CODE = re.compile(r"tests?/|shared/\w+/src/tests|.*/(tests|testing|samples|main)\.rs$|.*/src/bin/")


def main() -> int:
    os.chdir(ROOT)
    counting = {
        **os.environ,
        "RUSTC_WORKSPACE_WRAPPER": str(ROOT / "infra/local/counting.sh"),
        "LLVM_PROFILE_FILE": str(PROFILES / "%p-%m.profraw"),
        # The counters know their lines themselves.
        "CARGO_PROFILE_DEV_DEBUG": "false",
    }
    if "--no-run" in sys.argv:
        return subprocess.run([*TESTS, "--no-run"], env=counting, check=False).returncode
    shutil.rmtree(PROFILES, ignore_errors=True)
    failed = subprocess.run(TESTS, env=counting, check=False).returncode
    if failed:
        return failed
    reached = lines(programs(counting))
    short = False
    for folder, least in LEAST.items():
        counted = [hit for file, hits in reached.items() if file.startswith(folder) for hit in hits]
        percent = 100 * sum(counted) / len(counted)
        print(f"coverage of {folder or 'everything'}: {percent:.1f} % of {len(counted)} lines (at least {least} %)")
        short |= percent < least
    return int(short)


def programs(environment: dict[str, str]) -> list[str]:
    """The test programs, which say where each counter stands."""
    told = subprocess.run([*TESTS, "--no-run", "--message-format", "json"], env=environment,
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    built = (json.loads(line) for line in told.splitlines())
    return [message["executable"] for message in built if message.get("executable")]


def lines(programs: list[str]) -> dict[str, list[bool]]:
    """Of each file's lines of code, whether they were reached."""
    llvm = Path(subprocess.run([ROOT / ".ci/tools"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    merged = PROFILES / "all.profdata"
    subprocess.run([llvm / "llvm-profdata", "merge", "--sparse", *PROFILES.glob("*.profraw"), "-o", merged], check=True)
    objects = [part for program in programs for part in ("--object", program)][1:]
    report = subprocess.run([llvm / "llvm-cov", "export", "--format=lcov", f"--instr-profile={merged}", *objects],
                            check=True, stdout=subprocess.PIPE, text=True).stdout
    reached: dict[str, list[bool]] = defaultdict(list)
    for record in report.split("end_of_record"):
        named = re.search(rf"^SF:{ROOT}/(.+)$", record, re.MULTILINE)
        if not named or NO_CODE.match(named[1]):
            continue
        end = tests_begin(ROOT / named[1])
        for line, hits in re.findall(r"^DA:(\d+),(\d+)", record, re.MULTILINE):
            if int(line) < end:
                reached[named[1]].append(hits != "0")
    return reached


def tests_begin(file: Path) -> int:
    """A file's tests stand at its end."""
    text = file.read_text()
    before, found, _ = text.partition("\n#[cfg(test)]\nmod tests {")
    return before.count("\n") + 2 if found else text.count("\n") + 2


if __name__ == "__main__":
    sys.exit(main())
