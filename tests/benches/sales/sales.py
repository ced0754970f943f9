"""`make bench-sales`: how many orders a minute one event takes over HTTP, of ours and of two small shops over PostgreSQL, same clients, one
after the other on this machine. `make model`: the runs that the model of a sale is held against.

    sales.py [words]      only the rows that contain one of them; the others stay as they were measured
    sales.py conflicts

Everything runs on free ports of 127.0.0.1 in folders of its own, and is ended.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "infra/local"), str(ROOT / "infra/throughput")]

from deploy import BUCKET, Cloud, _code
from plot import bars
from processes import Process, StackError, end_by_exception, free_ports
from stack import HERE as LOCAL_PROGRAMS
from stack import LOCAL, STAGE, Ports, Stack, say, sweep, write_tables

HERE = Path(__file__).parent
KEPT = ROOT / "infra/throughput"
RELEASE, DEBUG = ROOT / "target/release/create_payment", ROOT / "target/debug/create_payment"
BAR = 10_000
# Measured once, and not by this program.
PRETIX = ("pretix 2026.8 over PostgreSQL and Redis, 4 workers, its own order API, measured once, not by this program: "
          "1,425 to 1,525 a minute, p99 1.0 s")


class Quiet(Stack):
    """A stack whose calls nobody records, or of which the local AWS alone is wanted."""

    def start_aws(self) -> None:
        """The local AWS alone, and who stands before it if its calls are to fare ill."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process("aws").start([sys.executable, str(LOCAL_PROGRAMS / "aws.py")], self._aws_environment())
        self.process("aws").wait(f"{self.aws_url}/_ministack/health", 30)
        if self.ports.recorded_aws:
            self.process("recorder").start([
                sys.executable, str(LOCAL_PROGRAMS / "recorder.py"), "--log", os.devnull, "--aws", str(self.ports.recorded_aws), self.aws_url,
                "--search", str(self.ports.recorded_search), self.search_url])
            self.process("recorder").wait(f"http://127.0.0.1:{self.ports.recorded_aws}/_ministack/health", 30)

    def watched(self, **named: str) -> str:
        return json.dumps({name: json.loads(self.process(of).pid_file.read_text())["pid"] for name, of in named.items()})


@contextmanager
def stack(recorded: bool = False) -> Iterator[Quiet]:
    ports = Ports(*free_ports(8 if recorded else 6))
    made = Quiet(LOCAL / f"test-{os.getpid()}", ports)
    try:
        yield made
    finally:
        made.stop()
        made.forget(keep_logs=False)


class Bench:
    def __init__(self) -> None:
        say("building the bench")
        build = ["cargo", "bench", "--package", "tests", "--profile", "dev", "--bench", "sales", "--no-run", "--message-format=json-render-diagnostics"]
        lines = run(build).splitlines()
        made = [json.loads(line) for line in lines if line.startswith("{")]
        [self.program] = [it["executable"] for it in made if it.get("executable") and it["target"]["name"] == "sales"]

    def run(self, environment: dict[str, str], *words: str) -> dict[str, Any]:
        return json.loads(run([self.program, *words], environment).splitlines()[-1])


def run(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StackError(f"{' '.join(map(str, command[:3]))} … ended with {done.returncode}")
    return done.stdout


def deployed(bench: Bench, wanted: list[str]) -> Iterator[dict[str, Any]]:
    """The whole local cloud: front, API Gateway, Lambda, DynamoDB, and all workers that hear of a sale."""
    rows = {"whole local cloud, debug": DEBUG, "whole local cloud, release": RELEASE}
    if not set(rows) & set(wanted):
        return
    with stack() as cloud:
        cloud.start()
        for name, program in rows.items():
            if name in wanted:
                take(cloud, program)
                say(name)
                watched = {"WATCHED": cloud.watched(front="front", emulator="aws")}
                yield bench.run(cloud.environment() | watched, "deployed", name)


def take(cloud: Quiet, program: Path) -> None:
    """Deploys another build of the one function that is measured."""
    aws = Cloud(cloud.aws_url, cloud.folder / "functions")
    functions, name = aws.client("lambda"), f"{STAGE}-create_payment"
    version = functions.update_function_code(FunctionName=name, S3Bucket=BUCKET, S3Key=_code(aws, program), Publish=True)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


def functions_alone(bench: Bench, wanted: list[str]) -> Iterator[dict[str, Any]]:
    """The function behind a stub of Lambda's Runtime API, and DynamoDB: as the local cloud has it, and as others wrote it."""
    for name, program in (("function and the emulator's DynamoDB, debug", DEBUG), ("function and the emulator's DynamoDB, release", RELEASE)):
        if name in wanted:
            with stack() as cloud:
                cloud.start_aws()
                say(name)
                watched = {"WATCHED": cloud.watched(DynamoDB="aws")}
                yield bench.run(cloud.environment() | watched, "functions", name, str(program))
    name = "function and Dynoxide, release"
    if name in wanted:
        say("building Dynoxide")
        run(["cargo", "build", "--release", "--manifest-path", str(LOCAL_PROGRAMS / "second-opinion/Cargo.toml"), "--locked", "--target-dir", "target"])
        with stack() as cloud:
            cloud.folder.mkdir(parents=True)
            dynamodb = cloud.process("dynoxide")
            dynamodb.start([str(ROOT / "target/release/second-opinion"), str(cloud.ports.aws)])
            dynamodb.wait(cloud.aws_url, 30)
            say(name)
            watched = {"WATCHED": cloud.watched(DynamoDB="dynoxide")}
            yield bench.run(cloud.environment() | watched, "functions", name, str(RELEASE))


def references(bench: Bench, wanted: list[str]) -> Iterator[dict[str, Any]]:
    rows = {"PostgreSQL, row lock (the original's way)": "row", "PostgreSQL, count under an advisory lock": "advisory"}
    if not set(rows) & set(wanted):
        return
    packages = ROOT / "target/bench/reference"
    if not packages.exists():
        run([sys.executable, "-m", "pip", "install", "-qqq", "--disable-pip-version-check", "--target", str(packages), "-r", str(HERE / "requirements.txt")])
    for name, way in rows.items():
        if name in wanted:
            with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder)) as (database, cluster):
                [port] = free_ports(1)
                shop = Process("reference", Path(folder))
                try:
                    shop.start([sys.executable, str(HERE / "reference.py"), "--port", str(port), "--database", database, "--way", way],
                               os.environ | {"PYTHONPATH": str(packages)})
                    shop.wait(f"http://127.0.0.1:{port}", 30)
                    say(name)
                    watched = {"shop": json.loads(shop.pid_file.read_text())["pid"], "PostgreSQL": cluster}
                    yield bench.run(os.environ | {"WATCHED": json.dumps(watched)}, "reference", name, f"http://127.0.0.1:{port}")
                finally:
                    shop.stop()


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[str, int]]:
    """A cluster of its own, as Debian's packages configure one, and the id of its first process."""
    found = shutil.which("initdb") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)
    if not found:
        raise StackError("PostgreSQL, which ours is compared with, is missing: install it (Debian: postgresql).")
    programs, data = Path(found).resolve().parent, folder / "data"
    data.mkdir()
    folder.chmod(0o755)
    # It refuses to run as root.
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": "postgres" if any(it.pw_name == "postgres" for it in pwd.getpwall()) else "nobody"}
        shutil.chown(data, who["user"])
    [port] = free_ports(1)
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run([programs / "initdb", "-D", data, "-U", "bench", "-A", "trust"], check=True, **quiet, **who)
    server = subprocess.Popen([programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", ""], **quiet, **who)
    try:
        while subprocess.run([programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], check=False, **quiet).returncode:
            if server.poll() is not None:
                raise StackError("PostgreSQL did not start.")
        yield f"postgres://bench@127.0.0.1:{port}/postgres", server.pid
    finally:
        server.terminate()
        server.wait()


ROWS = (
    "whole local cloud, debug", "whole local cloud, release", "function and the emulator's DynamoDB, debug",
    "function and the emulator's DynamoDB, release", "function and Dynoxide, release", "PostgreSQL, row lock (the original's way)",
    "PostgreSQL, count under an advisory lock",
)


def report(rows: list[dict[str, Any]]) -> str:
    lines = [
        f"# Orders a minute of one event, over HTTP ({max(row['measured'] for row in rows)})", "",
        f"`make bench-sales` on {os.cpu_count()} processors, clients and all else on the same: 16 clients, one event of 100,000, free, one ticket an order, "
        "20 s after 5 s; then 200 buyers at once at 50 seats, who come again when they are told to. The local DynamoDB keeps its data in "
        "memory, PostgreSQL on disk; ours knows members, sessions, limits, keys, tickets and a ledger, those two only orders.", "",
        "| | orders a minute | p50, ms | p99, ms | refused | processors that others used | 200 at 50 seats: sold | oversold | p99, ms | measured |", "|---" * 10 + "|"]
    for row in rows:
        steady, rush = row["steady"], row["rush"]
        lines.append(f"| {row['name']} | {steady['ordersPerMinute']:,.0f} | {steady['p50']:.0f} | {steady['p99']:.0f} | {sum(steady['refused'].values())} | {steady['others']:.1f} | "
                     f"{rush['sold']} | {rush['oversold']} | {rush['p99']:,.0f} | {row['measured']} |")
    lines += ["", PRETIX + ".", "", "Where the time goes, ms of a processor for an order:", ""]
    for row in rows:
        shares = sorted(row["steady"]["processorMs"].items(), key=lambda it: -it[1])
        lines.append(f"- {row['name']}: " + ", ".join(f"{name} {ms:.1f}" for name, ms in shares) + f"; {(whole := sum(ms for _, ms in shares)):.1f} in all: {60_000 / whole:,.0f} a minute and processor")
    return "\n".join(lines) + "\n"


def main() -> int:
    write_tables()
    end_by_exception()
    sweep()
    bench = Bench()
    if sys.argv[1:] == ["conflicts"]:
        with stack(recorded=True) as cloud:
            cloud.start_aws()
            say("buyers who meet on a shard: 6 runs of 20 s")
            faults = {"FAULTS_URL": f"http://127.0.0.1:{cloud.ports.recorded_aws}/_faults"}
            told = bench.run(cloud.environment() | faults, "conflicts") | {"measured": str(date.today())}
        (KEPT / "measured.json").write_text(json.dumps(told, indent=1) + "\n")
        return 0
    wanted = [name for name in ROWS if not sys.argv[1:] or any(word in name for word in sys.argv[1:])]
    say("building create_payment, as it is deployed and as it is tested")
    run(["cargo", "build", "--release", "--locked", "--package", "payments", "--bin", "create_payment"])
    run(["cargo", "build", "--locked", "--workspace", "--bin", "create_payment"])
    file = KEPT / "sales.json"
    kept = {row["name"]: row for row in json.loads(file.read_text())} if file.exists() else {}
    for kind in (deployed, functions_alone, references):
        for row in kind(bench, wanted):
            kept[row["name"]] = row | {"measured": str(date.today())}
            steady, rush = row["steady"], row["rush"]
            say(f"  {steady['ordersPerMinute']:,.0f} a minute, p99 {steady['p99']:.0f} ms; {rush['sold']} of {rush['seats']} seats sold")
            rows = [kept[name] for name in ROWS if name in kept]
            file.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
            (KEPT / "sales.md").write_text(report(rows))
            (KEPT / "sales.svg").write_text(bars(
                f"Orders a minute of one event, over HTTP ({date.today()})", [(row["name"], row["steady"]["ordersPerMinute"]) for row in rows], BAR))
    print("\n" + (KEPT / "sales.md").read_text())
    return any(row["rush"]["oversold"] for row in kept.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(str(error))
