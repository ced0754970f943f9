"""Changes shared/domain and shared/sales on purpose, one place at a time, and says how many changes a test notices.

Those that none notices are listed; what is left out, and why, stands in .cargo/mutants.toml and counts as not noticed.
"""

import json
import os
import subprocess
import sys

from templates import ROOT

VERSION = "27.1.0"
LEAST = 90
OUT = ROOT / "target/mutants"


def main(packages: list[str]) -> int:
    os.chdir(ROOT)
    tools = subprocess.run([".ci/tools"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    subprocess.run(["cargo", "install", "--quiet", "--locked", "--version", VERSION,
                    "--root", tools.removesuffix("/bin"), "cargo-mutants"], check=True)
    mutants = [f"{tools}/cargo-mutants", "mutants", *(f"--package={package}" for package in packages)]
    OUT.mkdir(parents=True, exist_ok=True)
    # In a copy of the sources; what they stand on is built once, and kept.
    environment = {**os.environ, "CARGO_TARGET_DIR": str(OUT / "build"), "CARGO_INCREMENTAL": "1"}
    ended = subprocess.run([*mutants, "--output", OUT], env=environment, check=False).returncode
    # 2 and 3: some were not noticed, or only by the clock.
    if ended not in (0, 2, 3):
        return ended
    outcomes = json.loads((OUT / "mutants.out/outcomes.json").read_text())
    noticed = outcomes["caught"] + outcomes["timeout"]
    left_out = listed([*mutants, "--no-config"]) - listed(mutants)
    percent = 100 * noticed / (noticed + outcomes["missed"] + left_out)
    print(f"{percent:.1f} % noticed: {noticed}, and not {outcomes['missed']}, {left_out} left out (at least {LEAST} %)")
    return int(percent < LEAST)


def listed(mutants: list[str]) -> int:
    told = subprocess.run([*mutants, "--list", "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return len(json.loads(told))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
