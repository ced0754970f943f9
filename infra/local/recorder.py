"""Passes AWS calls on to the local cloud and writes down which permission each one needs.

No emulator enforces IAM. A test compares these lines with what each function's role allows.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from yarl import URL

OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}
# What a part of a transaction needs; the transaction itself is no action in IAM.
PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}


def permissions(operation: str, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of an IAM action and the last part of a resource's ARN."""
    service, _, action = operation.partition(".")
    match service, action:
        case "DynamoDB_20120810", "TransactWriteItems" | "TransactGetItems":
            for item in body["TransactItems"]:
                for kind, part in item.items():
                    yield f"dynamodb:{PARTS[kind]}", f"table/{part['TableName']}"
        case "DynamoDB_20120810", "BatchGetItem" | "BatchWriteItem":
            for table in body["RequestItems"]:
                yield f"dynamodb:{action}", f"table/{table}"
        case "DynamoDB_20120810", _:
            index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
            yield f"dynamodb:{action}", f"table/{body.get('TableName')}{index}"
        case "AmazonSQS", _:
            queue = body.get("QueueUrl") or body["QueueName"]
            yield f"sqs:{action.removesuffix('Batch')}", queue.rsplit("/", 1)[-1]
        case "AWSEvents", "PutEvents":
            for bus in {entry.get("EventBusName", "default") for entry in body["Entries"]}:
                yield "events:PutEvents", f"event-bus/{bus}"
        case "secretsmanager", _:
            yield f"secretsmanager:{action}", f"secret:{body.get('SecretId')}"
        case _:
            yield operation, "unknown"


class Recorder:
    def __init__(self, upstream: str, log: Path) -> None:
        self.upstream = upstream
        self.log = log.open("a", buffering=1)

    async def run(self, app: web.Application) -> Any:
        self.client = ClientSession(auto_decompress=False, connector=TCPConnector(limit=0))
        yield
        await self.client.close()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.record(request, body)
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in OF_CONNECTION]
        address = URL(self.upstream + request.raw_path, encoded=True)
        async with self.client.request(request.method, address, headers=headers, data=body) as answer:
            kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in OF_CONNECTION]
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    def record(self, request: web.Request, body: bytes) -> None:
        agent = request.headers.get("x-amz-user-agent", "") + " " + request.headers.get("User-Agent", "")
        function = re.search(r"\bapp/(\S+)", agent)
        # Without an operation it is only the opening of a connection.
        operation = request.headers.get("X-Amz-Target")
        for action, resource in permissions(operation, json.loads(body)) if operation else ():
            line = {"function": function[1] if function else None, "action": action, "resource": resource}
            self.log.write(json.dumps(line) + "\n")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--upstream", required=True)
    arguments.add_argument("--log", type=Path, required=True)
    given = arguments.parse_args()
    recorder = Recorder(given.upstream, given.log)
    app = web.Application(client_max_size=0)
    app.cleanup_ctx.append(recorder.run)
    app.router.add_route("*", "/{path:.*}", recorder.handle)
    web.run_app(app, host="127.0.0.1", port=given.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
