"""Runs a command beside Amazon's own DynamoDB Local, so that nobody leans on a slip of the local cloud's:
second_opinion.py <command>

The command finds it in AWS_ENDPOINT_URL; nothing else of AWS is there.
"""

import os
import sys
import tempfile
from pathlib import Path

from processes import Process, StackError, end_by_exception, free_ports, run_to_its_end
from stack import HERE, write_tables


def second_opinion(command: list[str]) -> int:
    write_tables()
    end_by_exception()
    with tempfile.TemporaryDirectory() as folder:
        [port] = free_ports(1)
        dynamodb = Process("dynamodb-local", Path(folder))
        try:
            dynamodb.start(["sh", str(HERE / "dynamodb-local/run.sh"), str(port)])
            # The first start brings its jars.
            dynamodb.wait(f"http://127.0.0.1:{port}", 300)
            return run_to_its_end(command, os.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
        finally:
            dynamodb.stop()


if __name__ == "__main__":
    try:
        sys.exit(second_opinion(sys.argv[1:]))
    except StackError as error:
        sys.exit(str(error))
