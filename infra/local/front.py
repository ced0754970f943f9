"""One short address in front of the local API Gateway.

It passes requests on, and answers what the real gateway would answer itself: an unknown route, a
wrong method, a function that takes too long. It changes what that one changes (infra/aws.md). Routes
and texts come from the same infra/api.yaml that the real one reads. What is mailed lies at /dev/mail,
which no gateway has.
"""

import argparse
import asyncio
import json
import os
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any
from urllib.parse import unquote

import yaml
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

from postbox import Postbox

MIB = 1024 * 1024
# Of a function's event, and of its answer; of the gateway itself.
FUNCTION_LIMIT, BODY_LIMIT = 6 * MIB, 10 * MIB
GATEWAY_SECONDS = 29
# Request line and headers together.
HEAD_LIMIT = 10_240
# Of one connection, not of the message (RFC 9110, 7.6.1).
OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}
# Whatever a client says of these, the gateway knows better, or keeps it to itself.
OURS = OF_CONNECTION | {
    "host", "content-length", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "forwarded", "content-md5", "expect", "max-forwards",
    "proxy-authenticate", "server", "www-authenticate", "x-http-method-override",
}
# What a function says under these names; `Date` and `Server` would be renamed too, but here they are the local cloud's.
RENAMED = {"authorization", "content-md5", "max-forwards", "user-agent", "www-authenticate"}
DROPPED = OF_CONNECTION | {"content-length", "date", "expect", "host", "proxy-authenticate", "server", "via"}
# The local gateway's words for a function that failed, and for none that could be called. No function of ours says so.
FAILED = {502: "DEFAULT_5XX", 504: "INTEGRATION_FAILURE"}


class Front:
    def __init__(
        self, upstream: str, api: dict[str, Any], answers: Path = Path(os.devnull), postbox: Postbox | None = None,
    ) -> None:
        self.upstream, self.postbox = upstream, postbox
        self.seen = answers.open("a", buffering=1)
        self.answers = api["x-amazon-apigateway-gateway-responses"]
        self.routes = [(_pattern(path), methods) for path, methods in api["paths"].items()]

    async def handle(self, request: web.BaseRequest) -> web.Response:
        chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
        if _head_size(request) > HEAD_LIMIT or chunked or set(request.rel_url.raw_query_string) & set("|{}"):
            return self.refuse("DEFAULT_4XX")
        # A target may name the whole address (RFC 9112, 3.2.2); dots in it lead nowhere, and what is one part stays one.
        path = request.rel_url.raw_path
        if path == "/dev/mail" and self.postbox:
            return await self.postbox.show(self.client, request)
        known = not any(part in (".", "..") or "/" in part for part in map(unquote, path.split("/")))
        methods = next((m for pattern, m in self.routes if known and pattern.fullmatch(path)), None)
        if methods is None:
            return self.refuse("MISSING_AUTHENTICATION_TOKEN")
        method = request.headers.get("X-HTTP-Method-Override", request.method)
        operation = methods.get(method.lower(), {}).get("operationId")
        if operation is None:
            return self.wrong_method(request, methods)
        if (size := request.content_length or 0) > BODY_LIMIT:
            return web.Response(status=413, text=f"HTTP content length exceeded {BODY_LIMIT} bytes.")
        if size > FUNCTION_LIMIT:
            return web.json_response({"message": "Request Too Long"}, status=413)
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            answer = await self.forward(request, method, await request.content.read())
        except TimeoutError:
            return self.refuse("INTEGRATION_TIMEOUT")
        except ClientError:
            return self.refuse("INTEGRATION_FAILURE")
        if failed := FAILED.get(answer.status):
            return self.refuse(failed)
        if len(answer.body or b"") > FUNCTION_LIMIT:
            return self.refuse("DEFAULT_5XX")
        self.note(operation, answer)
        return answer

    async def forward(self, request: web.BaseRequest, method: str, body: bytes) -> web.Response:
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in OURS]
        headers += [("X-Forwarded-For", request.remote or ""), ("X-Forwarded-Proto", "http")]
        address = URL(self.upstream + request.rel_url.raw_path_qs, encoded=True)
        async with self.client.request(method, address, headers=headers, data=body or None, allow_redirects=False) as answer:
            response = web.Response(status=answer.status, body=await answer.read())
            response.headers.clear()
            for name, value in answer.headers.items():
                if name.lower() not in DROPPED:
                    response.headers.add(f"x-amzn-Remapped-{name}" if name.lower() in RENAMED else name, value)
            return response

    def note(self, operation: str, answer: web.Response) -> None:
        """Writes down what was answered: the tests compare it with the document."""
        refused = answer.headers.get("Content-Type") == "application/problem+json" and answer.body
        code = json.loads(answer.body)["code"] if refused else None
        kind = answer.content_type if answer.body else None
        print(json.dumps({"operation": operation, "status": answer.status, "code": code, "kind": kind}), file=self.seen)

    def refuse(self, kind: str) -> web.Response:
        answer = self.answers[kind]
        return _problem(answer["statusCode"], answer["responseTemplates"], answer["responseParameters"])

    def wrong_method(self, request: web.BaseRequest, methods: dict[str, Any]) -> web.Response:
        mock = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        kind = request.content_type if "Content-Type" in request.headers else "application/json"
        if kind not in mock["requestTemplates"]:
            return self.refuse("UNSUPPORTED_MEDIA_TYPE")
        answer = mock["responses"]["default"]
        return _problem(answer["statusCode"], answer["responseTemplates"], answer["responseParameters"])


def _problem(status: str | int, templates: dict[str, str], parameters: dict[str, str]) -> web.Response:
    (template,) = templates.values()
    own = {"context.requestId": str(uuid.uuid4())}
    body = template.replace("$context.requestId", own["context.requestId"])
    headers = {"content-type": "application/problem+json"}
    for name, value in parameters.items():
        # Constants stand in quotes.
        headers[name.rpartition("header.")[2]] = own.get(value, value[1:-1])
    return web.Response(status=int(status), body=body.encode(), headers=headers)


def _head_size(request: web.BaseRequest) -> int:
    fields = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    return len(request.method) + len(request.raw_path) + len(" HTTP/1.1\r\n ") + fields


def _pattern(path: str) -> re.Pattern[str]:
    parts = (r"[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/"))
    return re.compile("/".join(parts))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--upstream", required=True, help="the API's address at the local cloud")
    arguments.add_argument("--api", type=Path, required=True, help="infra/api.yaml")
    arguments.add_argument("--aws", required=True, help="the local cloud's address, for the mail that it took")
    arguments.add_argument("--answers", type=Path, required=True, help="where to write down who was answered what")
    given = arguments.parse_args()
    front = Front(given.upstream, yaml.safe_load(given.api.read_text()), given.answers, Postbox(given.aws))
    asyncio.run(run(front, given.port))


async def run(front: Front, port: int) -> None:
    told_to_end = asyncio.Event()
    for signal in SIGINT, SIGTERM:
        asyncio.get_running_loop().add_signal_handler(signal, told_to_end.set)
    async with serving(front, port):
        await told_to_end.wait()


@asynccontextmanager
async def serving(front: Front, port: int = 0) -> AsyncIterator[int]:
    """Listens meanwhile, and says where."""
    # As many connections as there are waiting requests: the gateway has no such limit.
    connector, timeout = TCPConnector(limit=0), ClientTimeout(total=GATEWAY_SECONDS)
    runner = web.ServerRunner(Server(front))
    async with ClientSession(auto_decompress=False, connector=connector, timeout=timeout) as front.client:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


class Server(web.Server):
    def __init__(self, front: Front) -> None:
        super().__init__(front.handle)
        self.front = front

    def __call__(self) -> "Connection":
        # What is longer than the gateway takes is for the front to refuse, not for the server under it.
        # And a body goes on as it came, whatever it is said to be.
        limits = {"max_line_size": 1 << 20, "max_field_size": 1 << 20, "max_headers": 1 << 20}
        connection = Connection(
            self, loop=asyncio.get_running_loop(), access_log=None, auto_decompress=False, **limits)
        connection.front = self.front
        return connection


class Connection(web.RequestHandler):
    front: Front

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None,
    ) -> web.Response:
        """Of what is no HTTP, too, people hear in the gateway's words."""
        super().handle_error(request, status, exc, message)
        answer = self.front.refuse("DEFAULT_4XX" if status < 500 else "DEFAULT_5XX")
        answer.force_close()
        return answer


if __name__ == "__main__":
    main()
