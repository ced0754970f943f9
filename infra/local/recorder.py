"""Passes the functions' calls on to the local AWS and to OpenSearch, and writes down which permission each one needs.

No emulator enforces IAM. A test compares these lines with what each function's role allows. And none has a bad day: a test
orders one for itself at the address `/_faults` (`faults.py`). What is billed is counted at `/_meter` (`meter.py`).
"""

import argparse
import asyncio
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from aiohttp import BasicAuth, ClientSession, TCPConnector, web
from yarl import URL

from calls import Permission, Request, permissions, service_of
from faults import Answer, Rule, Weather, operation_of
from meter import Meter

OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Needed(NamedTuple):
    """Who calls, if it is a function, which service, and what that needs."""

    function: str | None
    service: str
    permissions: Iterable[Permission]


def of_aws(request: Request) -> Needed:
    """The function's name travels in the user agent (`shared/aws`)."""
    agent = request.headers.get("x-amz-user-agent", "") + " " + request.headers.get("user-agent", "")
    function = re.search(r"\bapp/(\S+)", agent)
    return Needed(function and function[1], service_of(request), permissions(request))


def of_search(request: Request) -> Needed:
    """The function's name is the user's of the address that it was given (`deploy.py`); nothing is signed here."""
    if "authorization" not in request.headers:
        return Needed(None, "es", ())
    function = BasicAuth.decode(request.headers["authorization"]).login
    domain = f"domain/{function.partition('-')[0]}-search"
    return Needed(function, "es", [(f"es:ESHttp{request.method.capitalize()}", domain + request.address.partition("?")[0])])


def write(log: TextIO, function: str | None, needed: Iterable[Permission]) -> None:
    for action, resource in needed:
        log.write(json.dumps({"function": function, "action": action, "resource": resource}) + "\n")


class Recorder:
    def __init__(self, upstream: str, needed: Callable[[Request], Needed], log: TextIO, weather: Weather) -> None:
        self.upstream = upstream
        self.needed = needed
        self.log = log
        self.weather = weather
        self.meter = Meter()

    async def run(self, app: web.Application) -> Any:
        self.client = ClientSession(auto_decompress=False, connector=TCPConnector(limit=0))
        yield
        await self.client.close()

    async def handle(self, request: web.Request) -> web.Response:
        lower = {name.lower(): value for name, value in request.headers.items()}
        call = Request(request.method, request.raw_path, lower, await request.read())
        needed = self.needed(call)
        write(self.log, needed.function, needed.permissions)
        operation = operation_of(call)
        call = self.meter.asking(needed.service, operation, call)
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in OF_CONNECTION]
        kept: list[tuple[str, str]] = []

        async def go_on(body: bytes) -> Answer:
            address = URL(self.upstream + request.raw_path, encoded=True)
            async with self.client.request(request.method, address, headers=headers, data=body) as answer:
                kept.extend((k, v) for k, v in answer.headers.items() if k.lower() not in OF_CONNECTION)
                return Answer(answer.status, await answer.read())

        answer = await self.weather.through(needed.function, needed.service, call, go_on)
        if answer is None:
            # Nobody says a word any more; the caller sees the connection end.
            if request.transport:
                request.transport.abort()
            return web.Response()
        self.meter.note(needed.function, needed.service, operation, call.body, answer.body)
        if self.weather.rules:
            # The checksum was that of another body.
            kept = [(k, v) for k, v in kept if k.lower() != "x-amz-crc32"]
        return web.Response(status=answer.status, body=answer.body, headers=kept)

    async def add_rule(self, request: web.Request) -> web.Response:
        try:
            return web.json_response({"id": self.weather.add(Rule(**await request.json()))})
        except (TypeError, ValueError) as wrong:
            return web.Response(status=400, text=str(wrong))

    async def end_rule(self, request: web.Request) -> web.Response:
        rule = self.weather.rules.pop(int(request.match_info["id"]), None)
        return web.json_response({"met": rule.met}) if rule else web.Response(status=404)

    async def count(self, _: web.Request) -> web.Response:
        self.meter = Meter(counting=True)
        return web.Response()

    async def told(self, _: web.Request) -> web.Response:
        counted, self.meter = self.meter.calls, Meter()
        return web.json_response(counted)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=0)
        app.cleanup_ctx.append(self.run)
        app.router.add_post("/_faults", self.add_rule)
        app.router.add_delete("/_faults/{id:[0-9]+}", self.end_rule)
        app.router.add_post("/_meter", self.count)
        app.router.add_delete("/_meter", self.told)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app


async def serve(recorders: dict[int, Recorder]) -> None:
    for port, recorder in recorders.items():
        runner = web.AppRunner(recorder.app(), access_log=None)
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
        weather = Weather()
        asyncio.run(serve({
            int(aws_port): Recorder(aws, of_aws, log, weather), int(search_port): Recorder(search, of_search, log, weather)}))


if __name__ == "__main__":
    main()
