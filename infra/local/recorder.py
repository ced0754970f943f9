"""Passes the functions' calls on to the local AWS and to OpenSearch, and writes down which permission each one needs.

No emulator enforces IAM. A test compares these lines with what each function's role allows.
"""

import argparse
import asyncio
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from aiohttp import BasicAuth, ClientSession, TCPConnector, web
from yarl import URL

from calls import Permission, Request, permissions

OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


# Who calls, if it is a function, and what that needs.
Needed = tuple[str | None, Iterable[Permission]]


def of_aws(request: Request) -> Needed:
    """The function's name travels in the user agent (`shared/aws`)."""
    agent = request.headers.get("x-amz-user-agent", "") + " " + request.headers.get("user-agent", "")
    function = re.search(r"\bapp/(\S+)", agent)
    return function and function[1], permissions(request)


def of_search(request: Request) -> Needed:
    """The function's name is the user's of the address that it was given (`deploy.py`); nothing is signed here."""
    if "authorization" not in request.headers:
        return None, ()
    function = BasicAuth.decode(request.headers["authorization"]).login
    domain = f"domain/{function.partition('-')[0]}-search"
    return function, [(f"es:ESHttp{request.method.capitalize()}", domain + request.address.partition("?")[0])]


def write(log: TextIO, function: str | None, needed: Iterable[Permission]) -> None:
    for action, resource in needed:
        log.write(json.dumps({"function": function, "action": action, "resource": resource}) + "\n")


class Recorder:
    def __init__(self, upstream: str, needed: Callable[[Request], Needed], log: TextIO) -> None:
        self.upstream = upstream
        self.needed = needed
        self.log = log

    async def run(self, app: web.Application) -> Any:
        self.client = ClientSession(auto_decompress=False, connector=TCPConnector(limit=0))
        yield
        await self.client.close()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        lower = {name.lower(): value for name, value in request.headers.items()}
        write(self.log, *self.needed(Request(request.method, request.raw_path, lower, body)))
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in OF_CONNECTION]
        address = URL(self.upstream + request.raw_path, encoded=True)
        async with self.client.request(request.method, address, headers=headers, data=body) as answer:
            kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in OF_CONNECTION]
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


async def serve(recorders: dict[int, Recorder]) -> None:
    for port, recorder in recorders.items():
        app = web.Application(client_max_size=0)
        app.cleanup_ctx.append(recorder.run)
        app.router.add_route("*", "/{path:.*}", recorder.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--aws", nargs=2, metavar=("PORT", "UPSTREAM"), required=True)
    arguments.add_argument("--search", nargs=2, metavar=("PORT", "UPSTREAM"), required=True)
    arguments.add_argument("--log", type=Path, required=True)
    given = arguments.parse_args()
    (aws_port, aws), (search_port, search) = given.aws, given.search
    with given.log.open("a", buffering=1) as log:
        asyncio.run(serve({int(aws_port): Recorder(aws, of_aws, log), int(search_port): Recorder(search, of_search, log)}))


if __name__ == "__main__":
    main()
