"""What AWS answers on a bad day and the local cloud never does: a call that is turned away, one that meets another, one whose
work is done and whose answer is lost, a read of what was true a moment ago. Of `taken` each transaction has its items to itself for
`milliseconds`, and whoever writes one of them meanwhile is refused: so buyers meet on a shard as they would there.

A rule names whose calls fare so (`function`, `service`; all if it does not say), how (`fault`), how often (`rate`) and the
`seed` of its chances:

    POST /_faults        {"function": "local-relay_sales", "service": "events", "fault": "unavailable"}  ->  {"id": 1}
    DELETE /_faults/1    ->  {"met": 12}, how many calls fared so

The words of each service are those of botocore's models and of DynamoDB's developer guide, *Error handling*.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from calls import Request, service_of

FAULTS = ("unavailable", "throttled", "conflict", "stale", "lost", "taken")

WRITES = ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem")
# What a write is told whose item a transaction has: the kind of the refusal, and its words.
BUSY_ITEM = ("com.amazonaws.dynamodb.v20120810#TransactionConflictException", "Transaction is ongoing for the item")

# How long an index may be behind its table here. AWS says that it is a fraction of a second, and promises nothing.
BEHIND = 1.5


class Answer(NamedTuple):
    status: int
    body: bytes


# A table, and the two keys of an item in it.
Item = tuple[str, str, str]
# Passes a body on and brings what comes of it.
Pass = Callable[[bytes], Any]


@dataclass
class Rule:
    fault: str
    function: str | None = None
    service: str | None = None
    rate: float = 1.0
    seed: int = 0
    milliseconds: float = 0.0
    met: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise ValueError(f"no such fault: {self.fault}")
        self.chance = random.Random(self.seed)

    def meets(self, function: str | None, service: str) -> bool:
        return self.function in (None, function) and self.service in (None, service) and self.chance.random() < self.rate


@dataclass
class Weather:
    """The rules that are in force, and what was written a moment ago."""

    rules: dict[int, Rule] = field(default_factory=dict)
    made: int = 0
    written: dict[Item, float] = field(default_factory=dict)
    # What transactions have to themselves at this moment.
    taken: set[Item] = field(default_factory=set)

    def add(self, rule: Rule) -> int:
        self.made += 1
        self.rules[self.made] = rule
        return self.made

    async def through(self, function: str | None, service: str, request: Request, go_on: Pass) -> Answer | None:
        """What comes of a call; nothing when its answer is lost."""
        operation = operation_of(request)
        met = [rule for rule in self.rules.values() if rule.meets(function, service)]
        for rule in met:
            rule.met += 1
            match rule.fault:
                case "unavailable":
                    return unavailable(service)
                case "throttled":
                    return await throttled(service, operation, request.body, go_on, rule.chance)
                case "conflict" if service == "dynamodb" and (answer := conflict(operation, request.body, rule.chance)):
                    return answer
                case "lost":
                    await go_on(request.body)
                    self._remember(service, operation, request.body)
                    return None
                case "stale" if service == "dynamodb" and "IndexName" in (asked := json.loads(request.body)):
                    return self._behind(asked, await go_on(request.body))
                case "taken" if service == "dynamodb" and operation in WRITES:
                    return await self._alone(operation, request.body, go_on, rule.milliseconds / 1000)
            # It can't happen to such a call.
            rule.met -= 1
        answer = await go_on(request.body)
        if self.rules:
            self._remember(service, operation, request.body)
        return answer

    async def _alone(self, operation: str, body: bytes, go_on: Pass, seconds: float) -> Answer:
        asked = json.loads(body)
        if operation != "TransactWriteItems":
            [item] = writes(operation, asked)
            return refusal(400, *BUSY_ITEM) if item in self.taken else await go_on(body)
        items = [item for _, item in parts(asked)]
        if met := [at for at, item in enumerate(items) if item in self.taken]:
            return cancelled(body, "TransactionConflict", BUSY_ITEM[1], met)
        self.taken.update(items)
        try:
            # However slow the local cloud is, it is no shorter than ordered.
            answer, _ = await asyncio.gather(go_on(body), asyncio.sleep(seconds))
        finally:
            self.taken.difference_update(items)
        return answer

    def _remember(self, service: str, operation: str, body: bytes) -> None:
        if service != "dynamodb":
            return
        now = time.monotonic()
        self.written = {key: at for key, at in self.written.items() if now - at < BEHIND}
        self.written |= dict.fromkeys(writes(operation, json.loads(body)), now)

    def _behind(self, asked: dict[str, Any], answer: Answer) -> Answer:
        """An index before it heard of the last moment's writes: an entry is new to it, or gone and not there again yet."""
        found = json.loads(answer.body)
        if "Items" not in found:
            return answer
        now = time.monotonic()

        def heard(item: dict[str, Any]) -> bool:
            key = (asked["TableName"], *(item[part]["S"] for part in ("pk", "sk")))
            return now - self.written.get(key, 0.0) >= BEHIND

        found["Items"] = [item for item in found["Items"] if heard(item)]
        found["Count"] = len(found["Items"])
        return Answer(answer.status, json.dumps(found).encode())


def operation_of(request: Request) -> str:
    """`PutItem`, or for OpenSearch the last word of the address, such as `_bulk`."""
    return request.headers.get("x-amz-target", request.address.partition("?")[0].replace("/", ".")).rpartition(".")[2]


def refusal(status: int, kind: str, message: str, **more: Any) -> Answer:
    return Answer(status, json.dumps({"__type": kind, "message": message, **more}).encode())


def unavailable(service: str) -> Answer:
    match service:
        case "es":  # what stands before it says so, and not in JSON
            return Answer(503, b"<html><body><h1>503 Service Unavailable</h1></body></html>")
        case "dynamodb":
            return refusal(500, "com.amazonaws.dynamodb.v20120810#InternalServerError", "Internal server error")
        case "events":
            return refusal(500, "InternalException", "Something went wrong.")
        case _:
            return refusal(503, "ServiceUnavailable", "The service is unavailable. Please try again shortly.")


async def throttled(service: str, operation: str, body: bytes, go_on: Pass, chance: random.Random) -> Answer:
    """Too many calls. Of several things in one call only some are done, where the service can say so."""
    match service, operation:
        case "dynamodb", "TransactWriteItems" | "TransactGetItems":
            message = "Throughput exceeds the current capacity of your table or index."
            return cancelled(body, "ThrottlingError", message, any_of(body, chance))
        case _ if split := PARTLY.get(operation):
            through, merge = split(body, lambda: chance.random() < 0.5)
            answer = await go_on(through)
            return Answer(200, json.dumps(merge(json.loads(answer.body))).encode()) if answer.status == 200 else answer
        case "dynamodb", _:
            return refusal(400, "com.amazonaws.dynamodb.v20120810#ThrottlingException", "Rate exceeded")
        case "es", _:
            return Answer(429, json.dumps({"error": BUSY, "status": 429}).encode())
        case _:
            return refusal(400, "ThrottlingException", "Rate exceeded")


# What there is of a call's answer to be completed, and what comes of it.
Merge = Callable[[dict[str, Any]], dict[str, Any]]
# Which of a call's things are refused.
Refuse = Callable[[], bool]


def _batch_get_item(body: bytes, refuse: Refuse) -> tuple[bytes, Merge]:
    asked, left = json.loads(body)["RequestItems"], {}
    for table, wanted in asked.items():
        through, refused = _some(wanted["Keys"], refuse)
        if any(refused):
            left[table] = wanted | {"Keys": [key for key, no in zip(wanted["Keys"], refused, strict=True) if no]}
        asked[table] = wanted | {"Keys": through}
    return json.dumps({"RequestItems": asked}).encode(), lambda done: done | {"UnprocessedKeys": left}


def _put_events(body: bytes, refuse: Refuse) -> tuple[bytes, Merge]:
    entries, refused = _some(json.loads(body)["Entries"], refuse)

    def merge(done: dict[str, Any]) -> dict[str, Any]:
        failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
        put = iter(done["Entries"])
        return {"FailedEntryCount": sum(refused), "Entries": [failed if no else next(put) for no in refused]}

    return json.dumps({"Entries": entries}).encode(), merge


def _send_message_batch(body: bytes, refuse: Refuse) -> tuple[bytes, Merge]:
    asked = json.loads(body)
    entries, refused = _some(asked["Entries"], refuse)
    failed = [{"Id": entry["Id"], "SenderFault": False, "Code": "RequestThrottled", "Message": "Rate exceeded"}
              for entry, no in zip(asked["Entries"], refused, strict=True) if no]
    return json.dumps(asked | {"Entries": entries}).encode(), lambda done: done | {"Failed": failed}


def _bulk(body: bytes, refuse: Refuse) -> tuple[bytes, Merge]:
    # Each of our actions is two lines, the second its document.
    lines = body.splitlines(keepends=True)
    actions = list(zip(lines[::2], lines[1::2], strict=True))
    through, refused = _some(actions, refuse)

    def merge(done: dict[str, Any]) -> dict[str, Any]:
        written = iter(done["items"])
        busy = [{kind: {"_id": what["_id"], "status": 429, "error": BUSY}}
                for action, _ in actions for kind, what in json.loads(action).items()]
        items = [item if no else next(written) for item, no in zip(busy, refused, strict=True)]
        return done | {"errors": done["errors"] or any(refused), "items": items}

    return b"".join(line for action in through for line in action), merge


def _some(entries: list[Any], refuse: Refuse) -> tuple[list[Any], list[bool]]:
    """Those that are let through, the first among them, for a call with nothing in it is refused; and which are not."""
    refused = [False, *(refuse() for _ in entries[1:])]
    return [entry for entry, no in zip(entries, refused, strict=True) if not no], refused


PARTLY: dict[str, Callable[[bytes, Refuse], tuple[bytes, Merge]]] = {
    "BatchGetItem": _batch_get_item, "PutEvents": _put_events, "SendMessageBatch": _send_message_batch, "_bulk": _bulk,
}

BUSY = {"type": "rejected_execution_exception", "reason": "rejected execution of coordinating operation"}


def conflict(operation: str, body: bytes, chance: random.Random) -> Answer | None:
    """Another transaction is at one of the items. Whoever only reads meets it in a transaction alone."""
    match operation:
        case "TransactWriteItems" | "TransactGetItems":
            return cancelled(body, "TransactionConflict", BUSY_ITEM[1], any_of(body, chance))
        case "PutItem" | "UpdateItem" | "DeleteItem":
            return refusal(400, *BUSY_ITEM)
        case _:
            return None


def any_of(body: bytes, chance: random.Random) -> list[int]:
    return [chance.randrange(len(json.loads(body)["TransactItems"]))]


def cancelled(body: bytes, code: str, message: str, met: list[int]) -> Answer:
    """A transaction that was not done because of these of its items."""
    reasons: list[dict[str, str]] = [{"Code": "None"} for _ in json.loads(body)["TransactItems"]]
    for at in met:
        reasons[at].update(Code=code, Message=message)
    codes = ", ".join(reason["Code"] for reason in reasons)
    return Answer(400, json.dumps({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        "CancellationReasons": reasons}).encode())


def writes(operation: str, asked: dict[str, Any]) -> Iterator[Item]:
    """Each item that a call writes."""
    match operation:
        case "TransactWriteItems":
            yield from (item for kind, item in parts(asked) if kind != "ConditionCheck")
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield from (item for _, item in parts({"TransactItems": [{operation.removesuffix("Item"): asked}]}))


def parts(asked: dict[str, Any]) -> Iterator[tuple[str, Item]]:
    """What a transaction does with which items, in its order."""
    for entry in asked["TransactItems"]:
        for kind, part in entry.items():
            key = part["Item" if kind == "Put" else "Key"]
            yield kind, (part["TableName"], key["pk"]["S"], key["sk"]["S"])
