"""What the gateway answers itself, and what it passes on. `make check` runs it."""

import asyncio
import json
import unittest
from collections.abc import Awaitable, Callable
from unittest import mock

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

import front
from front import MIB, Front, serving
from templates import ROOT

API = yaml.safe_load((ROOT / "infra/api.yaml").read_text())
EVENT = "/v1/events/evt_1"


def answering(answer: web.Response) -> Callable[[], Awaitable[web.Response]]:
    async def says() -> web.Response:
        return answer

    return says


class Gateway(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        """A front before a function that tells what it was sent, unless a test gives it something else to say."""
        self.says: Callable[[], Awaitable[web.Response]] | None = None

        async def function(request: web.Request) -> web.Response:
            if self.says:
                return await self.says()
            sent = {"method": request.method, "target": request.raw_path, "headers": [*map(list, request.headers.items())]}
            return web.json_response(sent)

        upstream = web.Application()
        upstream.router.add_route("*", "/{path:(?s:.*)}", function)
        self.upstream = TestServer(upstream)
        await self.upstream.start_server()
        self.addAsyncCleanup(self.upstream.close)
        await self.serve()

    async def serve(self) -> None:
        self.port = await self.enterAsyncContext(serving(Front(str(self.upstream.make_url("/live")), API)))

    async def send(self, line: str, *headers: str, host: str = "here") -> tuple[int, dict[str, str], bytes]:
        """What comes back for a request exactly as it is written here."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = "\r\n".join([f"{line} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""])
        writer.write(head.encode())
        try:
            # Not to the end: of a body that it refused, the front waits for the rest.
            async with asyncio.timeout(10):
                status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                told = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
                body = await reader.readexactly(0 if line.startswith("HEAD") else int(told.get("content-length", 0)))
        finally:
            writer.close()
        return int(status.split()[1]), told, body

    async def test_whatever_it_refuses_is_a_problem_document_with_the_headers_of_all_answers(self) -> None:
        for line, headers, status, code in [
            ("GET /nowhere", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /v1/events/../auth/sign-in", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /v1/events/%2e%2e", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /_localstack/health", [], 404, "ROUTE_NOT_FOUND"),
            ("GET http://here/_localstack/health", [], 404, "ROUTE_NOT_FOUND"),
            ("CONNECT here:443", [], 404, "ROUTE_NOT_FOUND"),
            ("OPTIONS *", [], 404, "ROUTE_NOT_FOUND"),
            (f"PUT {EVENT}", [], 405, "METHOD_NOT_ALLOWED"),
            (f"PURGE {EVENT}", [], 405, "METHOD_NOT_ALLOWED"),
            (f"PUT {EVENT}", ["Content-Type: application/xml"], 415, "NOT_JSON_TYPE"),
            (f"GET {EVENT}?{'a' * 10_240}", [], 400, "BAD_REQUEST"),
            (f"GET {EVENT}", ["X-Long: " + "a" * 10_240], 400, "BAD_REQUEST"),
            (f"GET {EVENT}?q=a|b", [], 400, "BAD_REQUEST"),
            (f"GET {EVENT}?q={{a}}", [], 400, "BAD_REQUEST"),
            ("POST /v1/events", ["Transfer-Encoding: chunked"], 400, "BAD_REQUEST"),
            ("POST /v1/events", ["Transfer-Encoding: Chunked"], 400, "BAD_REQUEST"),
            ("POST /v1/events", ["Transfer-Encoding: gzip, chunked"], 400, "BAD_REQUEST"),
            # One segment that would be two, or another's, where it is decoded.
            ("GET /v1/events/%2f", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /v1/events/a%2Fb", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /v1/events/..%2fauth", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /v1/events/", [], 404, "ROUTE_NOT_FOUND"),
            ("GET //v1/events", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /V1/events", [], 404, "ROUTE_NOT_FOUND"),
            ("GET /_ministack/health", [], 404, "ROUTE_NOT_FOUND"),
            (f"TRACE {EVENT}", ["Max-Forwards: 0"], 405, "METHOD_NOT_ALLOWED"),
            (f"OPTIONS {EVENT}", ["Origin: https://elsewhere"], 405, "METHOD_NOT_ALLOWED"),
            # What is no HTTP, or not quite.
            (f"GET {EVENT}?q=재즈", [], 400, "BAD_REQUEST"),
            ("GET /v1/events/재즈", [], 400, "BAD_REQUEST"),
            (f"GET {EVENT} b", [], 400, "BAD_REQUEST"),
            ("GET v1/events", [], 400, "BAD_REQUEST"),
            ("GET *", [], 400, "BAD_REQUEST"),
            ("GET http://[::1/v1/events", [], 400, "BAD_REQUEST"),
            (f"get {EVENT}", [], 400, "BAD_REQUEST"),
            (f"GET {EVENT}", ["Host: elsewhere"], 400, "BAD_REQUEST"),
            (f"GET {EVENT}", ["no header"], 400, "BAD_REQUEST"),
            (f"GET {EVENT}", ["A: \0"], 400, "BAD_REQUEST"),
            ("POST /v1/events", ["Content-Length: x"], 400, "BAD_REQUEST"),
            ("POST /v1/events", ["Content-Length: -1"], 400, "BAD_REQUEST"),
            ("POST /v1/events", ["Content-Length: 2", "Content-Length: 3"], 400, "BAD_REQUEST"),
            ("POST /v1/events", ["Content-Length: 2", "Transfer-Encoding: chunked"], 400, "BAD_REQUEST"),
            ("POST /v1/events", ["Content-Type: application/json", "Content-Type: text/plain"], 400, "BAD_REQUEST"),
        ]:
            with self.subTest(line=line[:60], headers=headers and headers[0][:60]):
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

    async def test_a_function_that_takes_longer_than_29_seconds_is_not_waited_for(self) -> None:
        self.assertEqual(front.GATEWAY_SECONDS, 29)
        over = asyncio.Event()

        async def never() -> web.Response:
            await over.wait()
            return web.Response()

        self.says = never
        with mock.patch("front.GATEWAY_SECONDS", 0.2):
            await self.serve()
        status, told, body = await self.send(f"GET {EVENT}")
        over.set()
        self.assertEqual((status, told["retry-after"], json.loads(body)["code"]), (503, "1", "UNAVAILABLE"))

    async def test_of_a_function_that_fails_people_hear_from_the_gateway(self) -> None:
        for status, code in ((502, "INTERNAL"), (504, "UNAVAILABLE")):
            self.says = answering(web.json_response({"message": "Internal server error"}, status=status))
            _, told, body = await self.send(f"GET {EVENT}")
            self.assertEqual((told["content-type"], json.loads(body)["code"]), ("application/problem+json", code))

    async def test_an_answer_that_lambda_does_not_carry_is_a_failure(self) -> None:
        for size, status in ((6 * MIB, 200), (6 * MIB + 1, 500)):
            self.says = answering(web.Response(body=bytes(size)))
            self.assertEqual((await self.send(f"GET {EVENT}"))[0], status)

    async def test_a_body_that_no_function_is_given_is_refused_in_words_that_are_not_ours(self) -> None:
        for size, words in ((6 * MIB + 1, b'{"message": "Request Too Long"}'), (10 * MIB + 1, b"HTTP content length exceeded 10485760 bytes.")):
            status, _, body = await self.send("POST /v1/events", f"Content-Length: {size}")
            self.assertEqual((status, body), (413, words))

    async def test_the_gateway_renames_a_challenge_and_drops_what_is_of_its_own_connection(self) -> None:
        said = {"WWW-Authenticate": "Bearer", "User-Agent": "it", "Via": "1.1 it", "Proxy-Authenticate": "Basic", "X-Request-ID": "1"}
        self.says = answering(web.Response(status=401, headers=said))
        status, told, _ = await self.send(f"GET {EVENT}")
        self.assertEqual((status, told["x-amzn-remapped-www-authenticate"]), (401, "Bearer"))
        self.assertEqual((told["x-amzn-remapped-user-agent"], told["x-request-id"]), ("it", "1"))
        self.assertFalse({"www-authenticate", "user-agent", "via", "proxy-authenticate"} & set(told))

    async def test_some_headers_reach_no_function(self) -> None:
        dropped = ["Content-MD5: x", "Max-Forwards: 1", "Proxy-Authenticate: x", "Server: x", "TE: x", "Upgrade: x", "WWW-Authenticate: x"]
        _, _, body = await self.send(f"GET {EVENT}", *dropped, "Authorization: Bearer it")
        sent = {name.lower(): value for name, value in json.loads(body)["headers"]}
        self.assertEqual(sent["authorization"], "Bearer it")
        self.assertFalse({line.partition(":")[0].lower() for line in dropped} & set(sent))

    async def test_a_method_may_be_named_in_a_header(self) -> None:
        for other in ("PUT", "X-Amazon-APIGateway-Any-Method"):
            status, _, _ = await self.send(f"GET {EVENT}", f"X-HTTP-Method-Override: {other}")
            self.assertEqual(status, 405)
        _, _, body = await self.send(f"POST {EVENT}", "X-HTTP-Method-Override: GET")
        told = json.loads(body)
        self.assertEqual(told["method"], "GET")
        self.assertNotIn("x-http-method-override", {name.lower() for name, _ in told["headers"]})

    async def test_a_line_break_in_a_path_is_a_letter_like_others(self) -> None:
        for path in ("/v1/events/%0a", "/v1/events/evt_1%0d%0aX-A:%20b"):
            _, _, body = await self.send(f"GET {path}")
            self.assertEqual(json.loads(body)["target"], f"/live{path}")
        self.assertEqual((await self.send("GET /v1/events%0a"))[0], 404)

    async def test_a_wrong_method_is_told_the_right_ones(self) -> None:
        _, told, _ = await self.send("PUT /v1/events")
        self.assertEqual(told["allow"], "GET, HEAD, POST")

    async def test_a_target_that_names_the_whole_address_is_the_same(self) -> None:
        for address in ("", "http://here", "https://elsewhere:1", "http://a:b@here"):
            _, _, body = await self.send(f"GET {address}{EVENT}?a=%20b")
            self.assertEqual(json.loads(body)["target"], f"/live{EVENT}?a=%20b")

    async def test_a_client_does_not_say_which_of_the_cloud_s_services_it_calls(self) -> None:
        for host in ("bucket.s3.amazonaws.com", "a b/..", ""):
            _, _, body = await self.send(f"GET {EVENT}", host=host)
            sent = {name.lower(): value for name, value in json.loads(body)["headers"]}
            self.assertEqual(sent["host"], f"127.0.0.1:{self.upstream.port}")

    async def test_who_waits_to_be_asked_for_a_body_is_asked(self) -> None:
        for expects in ("100-continue", "100-Continue"):
            status, *_ = await self.send("POST /v1/events", f"Expect: {expects}", "Content-Length: 2")
            self.assertEqual(status, 100)

    async def test_a_client_does_not_say_where_it_calls_from(self) -> None:
        for said in [
            ["X-Forwarded-For: 203.0.113.1"],
            ["X-Forwarded-For: 203.0.113.1", "X-Forwarded-For: 203.0.113.2"],
            ["x-forwarded-for: 203.0.113.1, 127.0.0.1"],
            ["Forwarded: for=203.0.113.1", "X-Forwarded-Proto: https", "X-Forwarded-Port: 203"],
        ]:
            _, _, body = await self.send(f"GET {EVENT}", *said)
            sent = [(name.lower(), value) for name, value in json.loads(body)["headers"]]
            self.assertEqual([value for name, value in sent if name == "x-forwarded-for"], ["127.0.0.1"])
            self.assertFalse([value for _, value in sent if "203" in value or value == "https"], said)

    async def test_head_is_get_without_a_body(self) -> None:
        for path, item in API["paths"].items():
            self.assertEqual("get" in item, "head" in item, path)
        status, told, body = await self.send(f"HEAD {EVENT}")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(told["content-type"], "application/json; charset=utf-8")
        for path, status in (("/nowhere", 404), ("/v1/auth/sign-in", 405), (f"{EVENT}?q=|", 400)):
            self.assertEqual((await self.send(f"HEAD {path}"))[::2], (status, b""))
        self.assertEqual((await self.send("HEAD /v1/payments"))[1]["allow"], "POST")


if __name__ == "__main__":
    unittest.main()
