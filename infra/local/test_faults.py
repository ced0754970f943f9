"""Each fault as botocore, which knows the services' models, reads it; and what of the call was done."""

import asyncio
import io
import json
import time
import unittest
from collections.abc import Awaitable, Callable
from typing import Any

import boto3
import urllib3
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from faults import Weather
from recorder import Recorder, of_aws, of_search

ENTRY = {"Source": "s", "DetailType": "t", "Detail": "{}"}
KEY = {"pk": {"S": "EVT#1"}, "sk": {"S": "EVENT"}}


class Upstream:
    """Writes down what reaches it, and answers as each operation does when all is well."""

    def __init__(self) -> None:
        self.reached: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.Response:
        text = await request.text()
        if request.path == "/_bulk":
            actions = [json.loads(line) for line in text.splitlines()[::2]]
            self.reached += actions
            return web.json_response({"errors": False, "items": [{"index": {"_id": it["index"]["_id"], "status": 201}} for it in actions]})
        asked = json.loads(text)
        self.reached.append(asked)
        match request.headers["x-amz-target"].partition(".")[2]:
            case "Query":
                return web.json_response({"Items": [KEY], "Count": 1})
            case "BatchGetItem":
                return web.json_response({"Responses": {table: it["Keys"] for table, it in asked["RequestItems"].items()}})
            case "PutEvents":
                return web.json_response({"FailedEntryCount": 0, "Entries": [{"EventId": entry["Detail"]} for entry in asked["Entries"]]})
            case "SendMessageBatch":
                done = [{"Id": it["Id"], "MessageId": "1", "MD5OfMessageBody": "0"} for it in asked["Entries"]]
                return web.json_response({"Successful": done})
            case _:
                return web.json_response({})


class Faults(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.upstream = Upstream()
        behind = web.Application()
        behind.router.add_route("*", "/{path:.*}", self.upstream.answer)
        address = await self.serve(behind)
        weather, log = Weather(), io.StringIO()
        self.aws = await self.serve(Recorder(address, of_aws, log, weather).app())
        self.search = await self.serve(Recorder(address, of_search, log, weather).app())

    async def serve(self, app: web.Application) -> str:
        runner = web.AppRunner(app)
        await runner.setup()
        self.addAsyncCleanup(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    def client(self, service: str, function: str = "local-a") -> Any:
        config = Config(retries={"total_max_attempts": 1}, user_agent_appid=function)
        return boto3.client(service, endpoint_url=self.aws, region_name="ap-northeast-2", config=config,
                            aws_access_key_id="test", aws_secret_access_key="test")

    async def call(self, method: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        return await asyncio.to_thread(method, *given, **named)

    async def order(self, fault: str, **more: Any) -> int:
        rule = json.dumps({"fault": fault, **more}).encode()
        answer = await self.call(urllib3.request, "POST", f"{self.aws}/_faults", body=rule)
        self.assertEqual(answer.status, 200, answer.data)
        return answer.json()["id"]

    async def refused(self, call: Awaitable[Any]) -> tuple[int, str, dict[str, Any]]:
        with self.assertRaises(ClientError) as raised:
            await call
        answer = raised.exception.response
        return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer

    def put(self, dynamodb: Any) -> Awaitable[Any]:
        return self.call(dynamodb.put_item, TableName="local-catalog", Item=KEY)

    def transact(self, dynamodb: Any) -> Awaitable[Any]:
        items = [{"Put": {"TableName": "local-catalog", "Item": KEY}}, {"Delete": {"TableName": "local-catalog", "Key": KEY}}]
        return self.call(dynamodb.transact_write_items, TransactItems=items)

    async def test_what_is_turned_away_was_not_done(self) -> None:
        dynamodb, events, sqs = (self.client(service) for service in ("dynamodb", "events", "sqs"))
        calls = [
            (dynamodb, self.put, (500, "InternalServerError"), (400, "ThrottlingException"), (400, "TransactionConflictException")),
            (sqs, lambda it: self.call(it.delete_message, QueueUrl=f"{self.aws}/0/q", ReceiptHandle="1"),
             (503, "ServiceUnavailable"), (400, "ThrottlingException"), None),
            (events, lambda it: self.call(it.put_events, Entries=[ENTRY]), (500, "InternalException"), None, None),
        ]
        for number, fault in enumerate(("unavailable", "throttled", "conflict")):
            rule = await self.order(fault)
            for client, call, *expected in calls:
                if expected[number]:
                    status, code, _ = await self.refused(call(client))
                    self.assertEqual((status, code), expected[number])
            self.assertEqual(self.upstream.reached, [])
            ended = await self.call(urllib3.request, "DELETE", f"{self.aws}/_faults/{rule}")
            self.assertEqual(ended.json(), {"met": sum(expected[number] is not None for _, _, *expected in calls)})
        await self.put(dynamodb)
        self.assertEqual(len(self.upstream.reached), 1, "the weather is fine again")

    async def test_a_cancelled_transaction_says_which_of_its_parts_was_in_the_way(self) -> None:
        for fault, reason in (("conflict", "TransactionConflict"), ("throttled", "ThrottlingError")):
            rule = await self.order(fault)
            _, code, answer = await self.refused(self.transact(self.client("dynamodb")))
            self.assertEqual(code, "TransactionCanceledException")
            self.assertEqual(sorted(it["Code"] for it in answer["CancellationReasons"]), sorted(["None", reason]))
            await self.call(urllib3.request, "DELETE", f"{self.aws}/_faults/{rule}")
        self.assertEqual(self.upstream.reached, [])

    async def test_a_lost_answer_is_one_to_work_that_was_done(self) -> None:
        await self.order("lost")
        with self.assertRaises(ConnectionClosedError):
            await self.transact(self.client("dynamodb"))
        self.assertEqual(len(self.upstream.reached), 1)

    async def test_of_several_things_in_a_call_some_are_done_and_each_is_told(self) -> None:
        await self.order("throttled", seed=3)
        keys = [{"pk": {"S": str(n)}, "sk": {"S": "EVENT"}} for n in range(8)]
        read = await self.call(self.client("dynamodb").batch_get_item, RequestItems={"t": {"Keys": keys}})
        left = read["UnprocessedKeys"]["t"]["Keys"]
        self.assertCountEqual(read["Responses"]["t"] + left, keys)
        self.assertTrue(0 < len(left) < 8, left)

        entries = [ENTRY | {"Detail": str(n)} for n in range(8)]
        put = await self.call(self.client("events").put_events, Entries=entries)
        failed = [n for n, entry in enumerate(put["Entries"]) if entry.get("ErrorCode") == "ThrottlingException"]
        done = {n: entry["EventId"] for n, entry in enumerate(put["Entries"]) if "EventId" in entry}
        self.assertEqual((put["FailedEntryCount"], len(done)), (len(failed), 8 - len(failed)))
        self.assertEqual(done, {n: str(n) for n in done}, "each at its own place")
        self.assertTrue(0 < len(failed) < 8, failed)

        messages = [{"Id": str(n), "MessageBody": "{}"} for n in range(8)]
        sent = await self.call(self.client("sqs").send_message_batch, QueueUrl=f"{self.aws}/0/q", Entries=messages)
        self.assertCountEqual([it["Id"] for it in sent["Successful"] + sent["Failed"]], [it["Id"] for it in messages])
        self.assertTrue(sent["Failed"])

        lines = "".join(json.dumps(line) + "\n" for n in range(8) for line in ({"index": {"_id": str(n)}}, {"n": n}))
        answer = await self.call(urllib3.request, "POST", f"{self.search}/_bulk", body=lines)
        statuses = {it["index"]["_id"]: it["index"]["status"] for it in answer.json()["items"]}
        self.assertEqual(list(statuses), [str(n) for n in range(8)])
        self.assertEqual(set(statuses.values()), {201, 429})

    async def test_an_index_has_not_heard_of_what_was_just_written_and_the_table_has(self) -> None:
        dynamodb = self.client("dynamodb")
        query = {"TableName": "local-catalog", "KeyConditionExpression": "a = b"}
        rule = await self.order("stale")
        seen = await self.call(dynamodb.query, IndexName="due", **query)
        self.assertEqual(seen["Items"], [KEY], "nobody wrote it")
        await self.put(dynamodb)
        self.assertEqual((await self.call(dynamodb.query, IndexName="due", **query))["Items"], [])
        self.assertEqual((await self.call(dynamodb.query, **query))["Items"], [KEY])
        await self.call(urllib3.request, "DELETE", f"{self.aws}/_faults/{rule}")
        self.assertEqual((await self.call(dynamodb.query, IndexName="due", **query))["Items"], [KEY])

    async def test_a_transaction_has_its_items_to_itself_as_long_as_was_ordered(self) -> None:
        await self.order("taken", milliseconds=500)
        dynamodb, other = self.client("dynamodb"), {"pk": {"S": "EVT#2"}, "sk": {"S": "EVENT"}}
        began = time.monotonic()
        first = asyncio.create_task(self.transact(dynamodb))
        while not self.upstream.reached:
            await asyncio.sleep(0.001)
        _, code, answer = await self.refused(self.transact(dynamodb))
        self.assertEqual([it["Code"] for it in answer["CancellationReasons"]], ["TransactionConflict"] * 2)
        self.assertEqual((code, (await self.refused(self.put(dynamodb)))[1]), ("TransactionCanceledException", "TransactionConflictException"))
        await self.call(dynamodb.put_item, TableName="local-catalog", Item=other)
        self.assertFalse(first.done(), "who writes another item waits for nobody")
        await first
        self.assertGreaterEqual(time.monotonic() - began, 0.5)
        await self.put(dynamodb)

    async def test_a_rule_is_for_the_calls_it_names_and_a_seed_repeats_its_chances(self) -> None:
        runs = []
        for _ in range(2):
            rule = await self.order("unavailable", function="local-a", service="dynamodb", rate=0.5, seed=7)
            outcomes = []
            for _ in range(20):
                try:
                    await self.put(self.client("dynamodb"))
                    outcomes.append(True)
                except ClientError:
                    outcomes.append(False)
                await self.put(self.client("dynamodb", "local-b"))
                await self.call(self.client("events").put_events, Entries=[ENTRY])
            await self.call(urllib3.request, "DELETE", f"{self.aws}/_faults/{rule}")
            runs.append(outcomes)
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(set(runs[0]), {True, False})

    async def test_what_is_billed_is_counted_between_two_moments(self) -> None:
        dynamodb, meter = self.client("dynamodb"), f"{self.aws}/_meter"
        await self.put(dynamodb)
        await self.call(urllib3.request, "POST", meter)
        await self.put(dynamodb)
        told = [(await self.call(urllib3.request, "DELETE", meter)).json() for _ in range(2)]
        self.assertEqual([[(it["function"], it["operation"]) for it in calls] for calls in told], [[("local-a", "PutItem")], []])
        self.assertEqual([asked.get("ReturnConsumedCapacity") for asked in self.upstream.reached], [None, "INDEXES"])

    async def test_a_fault_that_there_is_not_is_refused(self) -> None:
        for rule in ({"fault": "rain"}, {"fault": "lost", "rat": 1}, {}):
            answer = await self.call(urllib3.request, "POST", f"{self.aws}/_faults", body=json.dumps(rule).encode())
            self.assertEqual(answer.status, 400)


if __name__ == "__main__":
    unittest.main()
