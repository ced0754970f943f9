"""What the gateway answers itself, and what it passes on. `make check` runs it."""

import asyncio
import json
import unittest

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from front import Front, application
from templates import ROOT

API = yaml.safe_load((ROOT / "infra/api.yaml").read_text())
EVENT = "/v1/events/evt_1"


class Gateway(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        """A front before a function that tells what it was sent."""
        async def function(request: web.Request) -> web.Response:
            return web.json_response({"target": request.raw_path, "headers": [*map(list, request.headers.items())]})

        upstream = web.Application()
        upstream.router.add_route("*", "/{path:.*}", function)
        self.upstream = TestServer(upstream)
        await self.upstream.start_server()
        self.front = TestServer(application(Front(str(self.upstream.make_url("/live")), API)))
        await self.front.start_server()

    async def asyncTearDown(self) -> None:
        await self.front.close()
        await self.upstream.close()

    async def send(self, line: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
        """What comes back for a request exactly as it is written here."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.front.port)
        head = "\r\n".join([f"{line} HTTP/1.1", "Host: here", "Connection: close", *headers, "", ""])
        writer.write(head.encode())
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        named = (field.partition(": ") for field in fields)
        return int(status.split()[1]), {name.lower(): value for name, _, value in named}, body

    async def test_whatever_it_refuses_is_a_problem_document_with_the_headers_of_all_answers(self) -> None:
        for line, headers, status, code in [
            ("GET /nowhere", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /v1/events/../auth/sign-in", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /v1/events/%2e%2e", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /_localstack/health", [], 404, "ROUTE_NOT_FOUND"),
            ("GET http://here/_localstack/health", [], 404, "ROUTE_NOT_FOUND"),
            ("CONNECT here:443", [], 404, "ROUTE_NOT_FOUND"),
            ("OPTIONS *", [], 404, "ROUTE_NOT_FOUND"),
            (f"DELETE {EVENT}", [], 405, "METHOD_NOT_ALLOWED"),
            (f"PURGE {EVENT}", [], 405, "METHOD_NOT_ALLOWED"),
            ("POST /v1/events", ["Content-Length: 65537"], 413, "BODY_TOO_LARGE"),
            (f"GET {EVENT}?{'a' * 10_240}", [], 400, "BAD_REQUEST"),
            (f"GET {EVENT}", ["X-Long: " + "a" * 10_240], 400, "BAD_REQUEST"),
        ]:
            with self.subTest(line[:60]):
                answered, told, body = await self.send(line, *headers)
                problem = json.loads(body)
                self.assertEqual((answered, problem["status"], problem["code"]), (status, status, code))
                self.assertEqual(told["content-type"], "application/problem+json")
                self.assertEqual(told["x-request-id"], problem["requestId"])
                self.assertEqual(told["cache-control"], "no-store")
                self.assertEqual(told["x-content-type-options"], "nosniff")
                self.assertTrue(told["strict-transport-security"].startswith("max-age="))
                self.assertTrue(problem["title"].rpartition(" / ")[2].isascii(), "English, too")

    async def test_what_can_not_be_reached_is_a_problem_document_too(self) -> None:
        await self.upstream.close()
        status, told, body = await self.send(f"GET {EVENT}")
        self.assertEqual((status, told["retry-after"], json.loads(body)["code"]), (503, "1", "UNAVAILABLE"))

    async def test_a_wrong_method_is_told_the_right_ones(self) -> None:
        _, told, _ = await self.send("PUT /v1/events")
        self.assertEqual(told["allow"], "GET, HEAD, POST")

    async def test_a_target_that_names_the_whole_address_is_the_same(self) -> None:
        for target in (f"{EVENT}?a=%20b", f"http://here{EVENT}?a=%20b"):
            _, _, body = await self.send(f"GET {target}")
            self.assertEqual(json.loads(body)["target"], f"/live{EVENT}?a=%20b")

    async def test_a_client_does_not_say_where_it_calls_from(self) -> None:
        _, _, body = await self.send(f"GET {EVENT}", "X-Forwarded-For: 203.0.113.1", "Forwarded: for=203.0.113.1")
        sent = [(name.lower(), value) for name, value in json.loads(body)["headers"]]
        self.assertEqual([value for name, value in sent if name == "x-forwarded-for"], ["127.0.0.1"])
        self.assertFalse([value for _, value in sent if "203.0.113.1" in value])

    async def test_head_is_get_without_a_body(self) -> None:
        for path, item in API["paths"].items():
            self.assertEqual("get" in item, "head" in item, path)
        status, told, body = await self.send(f"HEAD {EVENT}")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(told["content-type"], "application/json; charset=utf-8")


if __name__ == "__main__":
    unittest.main()
