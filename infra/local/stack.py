"""The whole product on one machine: `up`, `down`, or `run -- <command>` beside a stack of its own.

`up` keeps its data in target/local/main and can be said again: it starts what does not run, deploys what changed, and mends
what a power cut left behind. `fresh` forgets the data first. `run` makes a fresh stack on free ports, hands its addresses to the command in
the environment, and takes everything down when the command ends.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from coupons import offer_coupons
from deploy import FUNCTION, REGION, Cloud, DeployError, calls_of_platform, deploy, policies
from mend import mend_search
from processes import Process, StackError, answers, end_by_exception, free_ports, require_free, run_to_its_end
from recorder import write
from seed import SeedError, seed
from templates import ROOT, load, of_type

HERE = Path(__file__).parent
LOCAL = ROOT / "target/local"
STAGE = "local"


@dataclass
class Ports:
    front: int
    aws: int
    kakaopay: int
    login: int
    search: int
    search_transport: int
    # Where functions reach AWS and OpenSearch, if their calls are recorded.
    recorded_aws: int = 0
    recorded_search: int = 0
    # What drives the readers of streams in place of the local cloud, if anything does.
    streams: int = 0


# What `up` listens on, with the process that does, and the variable that moves it elsewhere.
USUAL = {
    "front": ("front", "SPOTLIGHT_PORT", 3000),
    "aws": ("aws", "AWS_PORT", 4566),
    "kakaopay": ("kakaopay", "KAKAOPAY_PORT", 4567),
    "login": ("login", "LOGIN_PORT", 4568),
    "search": ("opensearch", "OPENSEARCH_PORT", 9200),
    "search_transport": ("opensearch", "OPENSEARCH_TRANSPORT_PORT", 9300),
}


def usual_stack() -> "Stack":
    ports = {name: int(os.environ.get(variable, port)) for name, (_, variable, port) in USUAL.items()}
    return Stack(LOCAL / "main", Ports(**ports), outlives_kills=True)


@dataclass
class Stack:
    folder: Path
    ports: Ports
    values: dict[str, str] = field(default_factory=dict)
    # What is thrown away in the end need not, and nobody waits for its snapshots.
    outlives_kills: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.front}"

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.aws}"

    @property
    def kakaopay_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.kakaopay}"

    @property
    def login_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.login}"

    @property
    def search_url(self) -> str:
        return os.environ.get("OPENSEARCH_URL", f"http://127.0.0.1:{self.ports.search}")

    @property
    def record(self) -> Path:
        return self.folder / "calls.jsonl"

    @property
    def answers(self) -> Path:
        """Where the front writes down who was answered what; nobody reads it of a stack whose calls are not recorded."""
        return self.folder / "answers.jsonl" if self.ports.recorded_aws else Path(os.devnull)

    def process(self, name: str) -> Process:
        return Process(name, self.folder)

    def start(self) -> None:
        """Starts every part, builds meanwhile, and deploys."""
        say("starting OpenSearch, the local AWS, and who plays KakaoPay, Kakao and Naver")
        self.folder.mkdir(parents=True, exist_ok=True)
        if "OPENSEARCH_URL" not in os.environ:
            self.process("opensearch").start([
                "sh", str(HERE / "opensearch/run.sh"), str(self.folder / "opensearch"),
                str(self.ports.search), str(self.ports.search_transport)])
        self.process("kakaopay").start([
            sys.executable, str(HERE / "kakaopay.py"), "--port", str(self.ports.kakaopay),
            "--keep", str(self.folder / "kakaopay.json")])
        self.process("login").start([
            sys.executable, str(HERE / "login.py"), "--port", str(self.ports.login), "--public-url", self.url])
        self.process("aws").start([sys.executable, str(HERE / "aws.py")], self._aws_environment())
        if self.ports.recorded_aws:
            self.process("recorder").start([
                sys.executable, str(HERE / "recorder.py"), "--log", str(self.record),
                "--aws", str(self.ports.recorded_aws), self.aws_url,
                "--search", str(self.ports.recorded_search), self.search_url])
        self.process("aws").wait(f"{self.aws_url}/_ministack/health", 30)
        self.process("kakaopay").wait(f"{self.kakaopay_url}/health", 30)
        self.process("login").wait(f"{self.login_url}/health", 30)
        if "OPENSEARCH_URL" not in os.environ:
            self.process("opensearch").require_running()
        elif not answers(self.search_url):
            raise StackError(f"No OpenSearch answers at {self.search_url}, which OPENSEARCH_URL names.")
        build()
        if "OPENSEARCH_URL" not in os.environ:
            # The first start brings its jars.
            self.process("opensearch").wait(self.search_url, 300)
        say("deploying the templates")
        cloud = Cloud(self.aws_url, self.folder / "functions")
        search_url = f"http://{FUNCTION}@127.0.0.1:{self.ports.recorded_search}" if self.ports.recorded_search else self.search_url
        address = deploy(cloud, STAGE, ROOT / "target/debug", search_url,
                         PublicUrl=self.url, KakaopayUrl=self.kakaopay_url, SignedInUrl=f"{self.url}/docs",
                         KakaoAuthUrl=self.login_url, KakaoApiUrl=self.login_url, KakaoClientId="local-kakao",
                         NaverAuthUrl=self.login_url, NaverApiUrl=self.login_url, NaverClientId="local-naver",
                         MailFrom="stage@spotlight.example", MailRate="1000",
                         RefundRate="100", **self.values)
        if self.ports.streams:
            chances = os.environ.get("STREAMS_SEED", "2026")
            say(f"driving the readers of streams, STREAMS_SEED={chances}")
            self.process("streams").start([
                sys.executable, str(ROOT / "tests/streams/serve.py"), "--port", str(self.ports.streams),
                "--log", str(self.folder / "streams.jsonl"), "--seed", chances], self.environment())
            self.process("streams").wait(f"http://127.0.0.1:{self.ports.streams}", 30)
        self.process("front").start([
            sys.executable, str(HERE / "front.py"), "--port", str(self.ports.front),
            "--upstream", address, "--api", str(ROOT / "infra/api.yaml"), "--aws", self.aws_url,
            "--answers", str(self.answers)])
        self.process("front").wait(self.url, 30)
        self._require_health()

    def mend(self) -> None:
        """Makes whole what a power cut may have left: the search, the programme, the accounts that are promised."""
        cloud = Cloud(self.aws_url, self.folder)
        say("comparing the search with the table")
        if mend_search(cloud, STAGE, self.search_url):
            print("  The search had lost what the table has, or kept what it has not: it is made anew.")
        say("filling in the programme")
        seed(self.url)
        offer_coupons(cloud, STAGE)

    def _require_health(self) -> None:
        try:
            with urllib.request.urlopen(f"{self.url}/v1/health", timeout=30) as answer:
                health = answer.read().decode()
        except urllib.error.HTTPError as down:
            health = down.read().decode()
        if json.loads(health).get("status") != "UP":
            raise StackError(f"The API answers, but is not well: {health}")

    def stop(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda file: self.process(file.stem).stop(), self.folder.glob("*.pid")))

    def forget(self, keep_logs: bool) -> None:
        if not keep_logs:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        for entry in self.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
        print(f"The stack's logs are in {self.folder.relative_to(ROOT)}.", file=sys.stderr)

    def environment(self) -> dict[str, str]:
        """What programs beside the stack need to reach it."""
        return {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION,
            # Rust's SDK reads the one, Python's the other.
            "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.aws_url, "OPENSEARCH_URL": self.search_url,
            "KAKAOPAY_URL": self.kakaopay_url, "LOGIN_URL": self.login_url, "SPOTLIGHT_URL": self.url, "STAGE": STAGE, "STACK_DIR": str(self.folder),
            "TABLES_FILE": str(LOCAL / "tables.json"), "PYTHON": sys.executable,
        }

    def _aws_environment(self) -> dict[str, str]:
        """Its functions inherit all of it, so there is no more in it than they and it need."""
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        endpoint = self.ports.recorded_aws or self.ports.aws
        return {
            "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "TMPDIR": str(scratch),
            "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.ports.aws), "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{endpoint}",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "PERSIST_STATE": str(int(self.outlives_kills)), "STATE_DIR": str(self.folder / "state"),
            "S3_PERSIST": "1", "S3_DATA_DIR": str(self.folder / "s3"),
            # Both would listen on ports of their own, beyond this machine.
            "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
        }


def up() -> None:
    stack = usual_stack()
    for port, (process, variable, _) in USUAL.items():
        given_elsewhere = process == "opensearch" and "OPENSEARCH_URL" in os.environ
        if not given_elsewhere and not stack.process(process).running():
            require_free(getattr(stack.ports, port), process, variable)
    stack.start()
    stack.mend()
    print(f"""
  The API      {stack.url}/v1/…
  Try it       {stack.url}/docs
  Mail         {stack.url}/dev/mail        (what was sent, codes too)
  KakaoPay     {stack.kakaopay_url}        (simulated)
  Kakao, Naver {stack.login_url}        (their sign-in, simulated)
  AWS          {stack.aws_url}        (simulated, {REGION})
  OpenSearch   {stack.search_url}
  Accounts     fan@spotlight.example, artist@spotlight.example, password: spotlight-local-1
  Logs         {stack.folder.relative_to(ROOT)}/*.log

  `make demo` walks through it, `make down` ends it and keeps the data, `make fresh` begins anew.""")


def down() -> None:
    sweep()
    usual_stack().stop()


def fresh() -> None:
    down()
    usual_stack().forget(keep_logs=False)
    up()


def run(command: list[str], values: dict[str, str]) -> int:
    sweep()
    end_by_exception()
    stack = Stack(LOCAL / f"test-{os.getpid()}", Ports(*free_ports(9)), values)
    try:
        stack.start()
        cloud = Cloud(stack.aws_url, stack.folder)
        allowed = stack.folder / "policies.json"
        allowed.write_text(json.dumps(policies(cloud), indent=1))
        with stack.record.open("a") as log:
            for function, needed in calls_of_platform(cloud):
                write(log, function, needed)
        environment = stack.environment() | {
            "RECORDER_LOG": str(stack.record), "ANSWERS_FILE": str(stack.answers), "POLICIES_FILE": str(allowed),
            "FAULTS_URL": f"http://127.0.0.1:{stack.ports.recorded_aws}/_faults"}
        code = run_to_its_end(command, environment)
    except BaseException as ended:
        stack.stop()
        stack.forget(keep_logs=not isinstance(ended, SystemExit))
        raise
    stack.stop()
    stack.forget(keep_logs=code != 0)
    return code


def sweep() -> None:
    """Ends what is left of test stacks whose program was killed, and forgets the logs of those that failed."""
    for folder in LOCAL.glob("test-*"):
        try:
            os.kill(int(folder.name.removeprefix("test-")), 0)
        except ProcessLookupError:
            stack = Stack(folder, usual_stack().ports)
            stack.stop()
            stack.forget(keep_logs=False)


def build() -> None:
    if not shutil.which("cargo"):
        raise StackError("Cargo builds the functions: install Rust by rustup.")
    say("building the functions (the first time takes minutes)")
    if subprocess.run(["cargo", "build", "--workspace", "--bins"], cwd=ROOT, check=False).returncode:
        raise StackError("The functions do not build; the compiler said why above.")


def write_tables() -> None:
    """What infra/data.yaml says of each table, for tests that make tables of their own."""
    tables = [table["Properties"] for table in of_type(load(ROOT / "infra/data.yaml"), "AWS::DynamoDB::Table").values()]
    for table in tables:
        table["TableName"] = table["TableName"]["Fn::Sub"]
    LOCAL.mkdir(parents=True, exist_ok=True)
    (LOCAL / "tables.json").write_text(json.dumps(tables, indent=1))


def say(step: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {step}", flush=True)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    commands = arguments.add_subparsers(dest="command", required=True)
    commands.add_parser("up")
    commands.add_parser("down")
    commands.add_parser("fresh")
    running = commands.add_parser("run")
    running.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE",
                         help="a parameter of the root template, such as HoldSeconds=5")
    running.add_argument("program", nargs=argparse.REMAINDER)
    given = arguments.parse_args()
    try:
        write_tables()
        match given.command:
            case "up":
                up()
            case "down":
                down()
            case "fresh":
                fresh()
            case "run":
                program = given.program[given.program[:1] == ["--"]:]
                return run(program, dict(pair.split("=", 1) for pair in given.set))
    except (StackError, DeployError, SeedError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
