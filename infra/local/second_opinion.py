"""Runs a command beside a DynamoDB that others wrote, so that nobody leans on a slip of the local cloud's:
second_opinion.py <command>

The command finds it in AWS_ENDPOINT_URL; nothing else of AWS is there. `make second-opinion` has built it.
"""

import os
import sys
import tempfile
from pathlib import Path

from processes import Process, StackError, end_by_exception, free_ports, run_to_its_end
from stack import write_tables
from templates import ROOT


def second_opinion(command: list[str]) -> int:
    write_tables()
    end_by_exception()
    with tempfile.TemporaryDirectory() as folder:
        [port] = free_ports(1)
        dynamodb = Process("second-opinion", Path(folder))
        try:
            dynamodb.start([str(ROOT / "target/debug/second-opinion"), str(port)])
            dynamodb.wait(f"http://127.0.0.1:{port}", 30)
            return run_to_its_end(command, os.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
        finally:
            dynamodb.stop()


if __name__ == "__main__":
    try:
        sys.exit(second_opinion(sys.argv[1:]))
    except StackError as error:
        sys.exit(str(error))
