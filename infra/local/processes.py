"""Background processes with a log and a pid file each, so that a later command finds and ends them."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path


class StackError(Exception):
    """Says in one sentence what keeps the stack from running."""


@dataclass
class Process:
    name: str
    folder: Path

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        """Starts the command, unless the very same one runs already."""
        if (running := self.running()) and running["command"] == command:
            return
        self.stop()
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=environment, start_new_session=True)
        record = {"pid": child.pid, "started": _started(child.pid), "command": command}
        self.pid_file.write_text(json.dumps(record))

    def wait(self, address: str, seconds: float) -> None:
        """Waits until the address answers."""
        deadline = time.monotonic() + seconds
        while not answers(address):
            self.require_running()
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} does not answer; see {self.log}.")
            time.sleep(0.1)

    def require_running(self) -> None:
        if not self.running():
            raise StackError(f"{self.name} ended; its last words, of {self.log}:\n{self._last_words()}")

    def stop(self) -> None:
        """Ends the process and every process below it; data is saved on the way out."""
        # A group outlives a leader that was killed, and nobody else is given its number meanwhile.
        if (record := self._record()) and _started(record["pid"]) in (record["started"], ""):
            end_group(record["pid"], 30)
        self.pid_file.unlink(missing_ok=True)

    def running(self) -> dict | None:
        """The pid file's record, if that process is still ours: a pid may have come to another."""
        record = self._record()
        return record if record and _started(record["pid"]) == record["started"] != "" else None

    def _record(self) -> dict | None:
        try:
            return json.loads(self.pid_file.read_text())
        except (OSError, json.JSONDecodeError):
            return None

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-5:])


def answers(address: str) -> bool:
    """Whether anything at all comes back."""
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _started(pid: int) -> str:
    """When a process began, as `ps` tells it; empty when there is none, or only its remains."""
    _reap(pid)
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = shown.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def end_by_exception() -> None:
    """Lets every wish to end come as an exception, so that what was started is ended too."""
    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for wish in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(wish, end)


def run_to_its_end(command: list[str], environment: dict[str, str]) -> int:
    """The command's exit code. Whatever ends us before ends it too."""
    # A group of its own, so that all of it can be ended.
    program = subprocess.Popen(command, env=environment, process_group=0)
    try:
        return program.wait()
    finally:
        end_group(program.pid, 10)


def end_group(group: int, seconds: float) -> None:
    """Asks every process of a group to end, and makes those that don't in time."""
    for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5)):
        if _signal(group, sign):
            _wait_for_end(group, patience)


def _signal(group: int, sign: signal.Signals | int) -> bool:
    try:
        os.killpg(group, sign)
    except ProcessLookupError:
        return False
    return True


def _wait_for_end(group: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and _signal(group, 0):
        _reap(group)
        time.sleep(0.05)


def _reap(pid: int) -> None:
    """Takes note of the end of a child of ours, which would else stay as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def require_free(port: int, purpose: str, variable: str) -> None:
    """Says plainly that a port is taken, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise StackError(
                f"Port {port}, for {purpose}, is used by another program: end that one, or choose another "
                f"port with {variable}=<port>.") from None


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now. All are held until the last is found, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
