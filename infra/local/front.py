"""One short address in front of the local API Gateway.

It passes requests on, and answers what the real gateway would answer itself: an unknown route, a
wrong method, a body that is too large. Routes and texts come from the same infra/api.yaml that the
real one reads.
"""

import argparse
import json
import re
import uuid
from pathlib import Path
from typing import Any

import yaml
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

BODY_LIMIT = 64 * 1024
GATEWAY_SECONDS = 29
# Of one connection, not of the message (RFC 9110, 7.6.1); the others are set anew.
OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length"}


class Front:
    def __init__(self, upstream: str, api: dict[str, Any]) -> None:
        self.upstream = upstream
        self.answers = api["x-amazon-apigateway-gateway-responses"]
        self.routes = [(_pattern(path), methods) for path, methods in api["paths"].items()]

    async def run(self, app: web.Application) -> Any:
        # As many connections as there are waiting requests: the gateway has no such limit.
        self.client = ClientSession(
            auto_decompress=False, connector=TCPConnector(limit=0), timeout=ClientTimeout(total=GATEWAY_SECONDS))
        yield
        await self.client.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        methods = next((m for pattern, m in self.routes if pattern.fullmatch(request.path)), None)
        if methods is None:
            return self.refuse("MISSING_AUTHENTICATION_TOKEN")
        if request.method.lower() not in methods:
            return _wrong_method(methods)
        body = await _read(request)
        if body is None:
            return self.refuse("REQUEST_TOO_LARGE")
        try:
            return await self.forward(request, body)
        except TimeoutError:
            return self.refuse("INTEGRATION_TIMEOUT")
        except ClientError:
            return self.refuse("INTEGRATION_FAILURE")

    async def forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in OF_CONNECTION]
        headers += [("Host", request.host), ("X-Forwarded-For", request.remote or ""), ("X-Forwarded-Proto", "http")]
        address = URL(self.upstream + request.raw_path, encoded=True)
        async with self.client.request(
            request.method, address, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            response = web.Response(status=answer.status, body=await answer.read())
            response.headers.clear()
            for name, value in answer.headers.items():
                if name.lower() not in OF_CONNECTION:
                    response.headers.add(name, value)
            return response

    def refuse(self, kind: str) -> web.Response:
        answer = self.answers[kind]
        return _problem(answer["statusCode"], answer["responseTemplates"], {})


def _wrong_method(methods: dict[str, Any]) -> web.Response:
    mock = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
    answer = mock["responses"]["default"]
    headers = {
        name.removeprefix("method.response.header."): value.strip("'")
        for name, value in answer["responseParameters"].items()
    }
    return _problem(answer["statusCode"], answer["responseTemplates"], headers)


def _problem(status: str | int, templates: dict[str, str], headers: dict[str, str]) -> web.Response:
    (template,) = templates.values()
    text = template.replace("$context.requestId", str(uuid.uuid4()))
    body = json.dumps(json.loads(text), ensure_ascii=False).encode()
    return web.Response(status=int(status), body=body, headers={"Content-Type": "application/problem+json", **headers})


async def _read(request: web.Request) -> bytes | None:
    """The body, or nothing once it is known to be too large."""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def _pattern(path: str) -> re.Pattern[str]:
    parts = (r"[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/"))
    return re.compile("/".join(parts))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--upstream", required=True, help="the API's address at the local cloud")
    arguments.add_argument("--api", type=Path, required=True, help="infra/api.yaml")
    given = arguments.parse_args()
    front = Front(given.upstream, yaml.safe_load(given.api.read_text()))
    app = web.Application()
    app.cleanup_ctx.append(front.run)
    app.router.add_route("*", "/{path:.*}", front.handle)
    web.run_app(app, host="127.0.0.1", port=given.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
