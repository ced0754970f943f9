"""Lambda's event source mapping for DynamoDB streams, as AWS documents it: what it calls, when, and what it gives up.

Nothing here does any I/O: what is outside is handed in. The documents are those of the Lambda developer guide, by the last part of
their address: `with-ddb`, `services-ddb-params`, `services-ddb-batchfailurereporting`, `services-dynamodb-errors`.
"""

import json
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol
from zlib import crc32

Record = dict[str, Any]
# A mapping has the properties that `ListEventSourceMappings` answers.
Mapping = dict[str, Any]

# services-ddb-params.
DEFAULTS: Mapping = {
    "BatchSize": 100, "BisectBatchOnFunctionError": False, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": -1, "ParallelizationFactor": 1,
    "DestinationConfig": {}, "FilterCriteria": {}, "TumblingWindowInSeconds": 0,
}
# with-ddb: a batch is cut where the event would be larger than a function takes.
PAYLOAD = 6 * 1024 * 1024
# How soon it is looked again whether a parent is done.
SOON = 0.1


class NotObeyed(Exception):
    """A template asks for what this does not do, so the tests would prove nothing of it."""


@dataclass
class Answer:
    """What came of a call: the function's answer, or the error that it ended with."""

    payload: Any = None
    error: str | None = None
    version: str = "$LATEST"


class Outside(Protocol):
    """What a mapping acts upon."""

    def now(self) -> float:
        """Seconds since 1970."""

    def invoke(self, records: list[Record]) -> Answer | None:
        """Calls the function; none when it was not called at all, as when too many run."""

    def send(self, letter: dict[str, Any]) -> None:
        """Sends to the destination for what is given up."""

    def backoff(self, failures: int) -> float:
        """How many seconds to wait after so many failures in a row."""

    def comes_again(self) -> bool:
        """Whether a batch that is done is delivered once more: Lambda promises at least once."""

    def tell(self, line: dict[str, Any]) -> None:
        """Hears what was done."""


@dataclass
class Shard:
    """A part of the stream. Its parent was split, and is read to its end before it."""

    id: str
    parent: "Shard | None" = None


@dataclass
class Batch:
    """Records that are delivered together until they are done or given up."""

    records: list[Record]
    calls: int = 0
    retries: int = 0
    doubled: bool = False
    answer: Answer | None = None


class Lane:
    """A shard's records, or those of its share of the keys: one batch after the other, each until it is done."""

    def __init__(self, mapping: Mapping, shard: str, outside: Outside, after: list["Lane"]) -> None:
        self.mapping, self.shard, self.outside, self.after = mapping, shard, outside, after
        self.waiting: deque[tuple[float, Record]] = deque()
        # Parts of what was taken last, in their order.
        self.batches: list[Batch] = []
        self.failures = 0
        self.not_before = 0.0

    def put(self, record: Record) -> None:
        self.waiting.append((self.outside.now(), record))

    @property
    def done(self) -> bool:
        return not self.waiting and not self.batches and all(lane.done for lane in self.after)

    def turn(self) -> float | None:
        """Calls the function once, if it is time. Answers in how many seconds it will be, none if nothing waits."""
        now = self.outside.now()
        if now < self.not_before:
            return self.not_before - now
        if not all(lane.done for lane in self.after):
            return SOON
        if not self.batches and (wait := self._wait(now)) != 0:
            return wait
        self._forget_old(now)
        if self.batches:
            self._deliver(self.batches[0])
        return max(0.0, self.not_before - self.outside.now())

    def _wait(self, now: float) -> float | None:
        """Takes the next batch, if there is one and it is full or its window is over."""
        if not self.waiting:
            return None
        records, size = [], 0
        for _, record in islice(self.waiting, self.mapping["BatchSize"]):
            size += len(json.dumps(record))
            if records and size > PAYLOAD:
                break
            records.append(record)
        is_full = size > PAYLOAD or len(records) == self.mapping["BatchSize"]
        over = self.waiting[0][0] + self.mapping["MaximumBatchingWindowInSeconds"]
        if not is_full and now < over:
            return over - now
        # In this order, so that the lane never looks done in between.
        self.batches = [Batch(records)]
        for _ in records:
            self.waiting.popleft()
        return 0

    def _forget_old(self, now: float) -> None:
        """Gives up what is older than the mapping allows; what is younger goes on."""
        limit = self.mapping["MaximumRecordAgeInSeconds"]
        if limit < 0:
            return
        batch = self.batches[0]
        young = next((i for i, record in enumerate(batch.records) if now - arrival(record) <= limit), len(batch.records))
        if young:
            self._give_up(Batch(batch.records[:young], batch.calls, answer=batch.answer), "RecordAgeExceeded")
            batch.records = batch.records[young:]
        if not batch.records:
            del self.batches[0]

    def _deliver(self, batch: Batch) -> None:
        sent = self.outside.now()
        answer = self.outside.invoke(batch.records)
        line = {
            "records": len(batch.records), "first": sequence(batch.records[0]), "last": sequence(batch.records[-1]),
            "keys": sorted({key(record) for record in batch.records}), "retry": batch.retries, "double": batch.doubled,
            # `IteratorAge`, in milliseconds: that of the event's last record when the event is sent.
            "iteratorAge": round((sent - arrival(batch.records[-1])) * 1000),
        }
        # services-dynamodb-errors: what could not be called does not count as a try.
        if answer is None:
            return self._again_later("throttled", line)
        batch.calls += 1
        batch.answer = answer
        failed = self._first_failed(batch, answer)
        if failed is None:
            return self._done(batch, line)
        outcome = "error" if answer.error else "failures"
        if (parts := self._split(batch, failed)) is None:
            batch.records = batch.records[failed:]
            batch.retries += 1
        else:
            self.batches[:1] = parts
            line["bisected"] = [len(part.records) for part in parts]
        self._again_later(outcome, line)
        limit = self.mapping["MaximumRetryAttempts"]
        if 0 <= limit < batch.retries:
            self._give_up(batch, "RetryAttemptsExhausted")
            del self.batches[0]

    def _first_failed(self, batch: Batch, answer: Answer) -> int | None:
        """Where the batch must go on; none when all of it is done (services-ddb-batchfailurereporting)."""
        if answer.error:
            return 0
        if "ReportBatchItemFailures" not in self.mapping["FunctionResponseTypes"] or not answer.payload:
            return None
        places = {sequence(record): place for place, record in enumerate(batch.records)}
        try:
            failures = answer.payload.get("batchItemFailures") or []
            # The lowest sequence number counts, and all after it comes again.
            return min((places[failure["itemIdentifier"]] for failure in failures), default=None)
        except (AttributeError, KeyError, TypeError):
            # What it answers can't be trusted, so all of it has failed.
            return 0

    def _split(self, batch: Batch, failed: int) -> list[Batch] | None:
        """The parts that are tried next, if the batch is split: that is no retry (services-dynamodb-errors)."""
        if not self.mapping["BisectBatchOnFunctionError"]:
            return None
        if failed:
            return [Batch(batch.records[failed:], batch.calls, batch.retries, answer=batch.answer)]
        if batch.answer and batch.answer.error and len(batch.records) > 1:
            middle = len(batch.records) // 2
            halves = (batch.records[:middle], batch.records[middle:])
            return [Batch(half, batch.calls, batch.retries, answer=batch.answer) for half in halves]
        return None

    def _done(self, batch: Batch, line: dict[str, Any]) -> None:
        self.failures = 0
        self.outside.tell({"outcome": "done", "shard": self.shard} | line)
        if self.outside.comes_again():
            batch.doubled = True
        else:
            del self.batches[0]

    def _again_later(self, outcome: str, line: dict[str, Any]) -> None:
        self.failures += 1
        self.not_before = self.outside.now() + self.outside.backoff(self.failures)
        self.outside.tell({"outcome": outcome, "shard": self.shard} | line)

    def _give_up(self, batch: Batch, condition: str) -> None:
        """Goes on without these records, and says which they were, if the mapping says where (services-dynamodb-errors)."""
        destination = self.mapping["DestinationConfig"].get("OnFailure", {}).get("Destination")
        if destination:
            self.outside.send(self._letter(batch, condition))
        self.outside.tell({
            "outcome": "given up", "shard": self.shard, "condition": condition, "records": len(batch.records),
            "keys": sorted({key(record) for record in batch.records}), "destination": destination})

    def _letter(self, batch: Batch, condition: str) -> dict[str, Any]:
        first, last = batch.records[0], batch.records[-1]
        letter = {
            "requestContext": {
                "requestId": str(uuid.uuid4()), "functionArn": self.mapping["FunctionArn"], "condition": condition,
                "approximateInvokeCount": batch.calls,
            },
            "version": "1.0",
            "timestamp": time_text(self.outside.now(), "milliseconds"),
            "DDBStreamBatchInfo": {
                "shardId": self.shard, "startSequenceNumber": sequence(first), "endSequenceNumber": sequence(last),
                "approximateArrivalOfFirstRecord": time_text(arrival(first), "seconds"),
                "approximateArrivalOfLastRecord": time_text(arrival(last), "seconds"),
                "batchSize": len(batch.records), "streamArn": self.mapping["EventSourceArn"],
            },
        }
        if batch.answer:
            letter["responseContext"] = {"statusCode": 200, "executedVersion": batch.answer.version}
            if batch.answer.error:
                letter["responseContext"]["functionError"] = batch.answer.error
        return letter


class Reader:
    """A mapping over all shards of its stream. What fails in one shard holds up that shard and its children alone."""

    def __init__(self, mapping: Mapping, outside: Outside) -> None:
        self.mapping = DEFAULTS | {name: value for name, value in mapping.items() if value is not None}
        self.outside = outside
        self.patterns = [json.loads(it["Pattern"]) for it in self.mapping["FilterCriteria"].get("Filters", [])]
        for pattern in self.patterns:
            require_plain(pattern)
        if self.mapping["TumblingWindowInSeconds"]:
            raise NotObeyed("TumblingWindowInSeconds")
        self.lanes: dict[str, list[Lane]] = {}

    def put(self, shard: Shard, record: Record) -> Lane | None:
        """Gives a record to its lane, which it answers, unless the filter leaves the record out."""
        if self.patterns and not any(matches(pattern, record) for pattern in self.patterns):
            return None
        lanes = self._lanes(shard)
        # with-ddb: however many batches of a shard are processed at once, those of one item are in order.
        lane = lanes[crc32(json.dumps(record["dynamodb"]["Keys"], sort_keys=True).encode()) % len(lanes)]
        lane.put(record)
        return lane

    def _lanes(self, shard: Shard) -> list[Lane]:
        if shard.id not in self.lanes:
            after = self._lanes(shard.parent) if shard.parent else []
            lanes = [Lane(self.mapping, shard.id, self.outside, after) for _ in range(self.mapping["ParallelizationFactor"])]
            self.lanes[shard.id] = lanes
        return self.lanes[shard.id]


class Shards:
    """The shards that a stream would have in DynamoDB, where all records of a partition key are in one.

    The first is split in two once it has had some records.
    """

    def __init__(self, count: int, records_until_split: int) -> None:
        self.shards = [Shard(f"shardId-{number:020}-{crc32(bytes([number])):08x}") for number in range(count)]
        self.children = [Shard(f"shardId-{number:020}-{crc32(bytes([number])):08x}", self.shards[0]) for number in (count, count + 1)]
        self.left = records_until_split

    def of(self, record: Record) -> Shard:
        rest, number = divmod(crc32(key(record).encode()), len(self.shards))
        if number:
            return self.shards[number]
        self.left -= 1
        return self.shards[0] if self.left >= 0 else self.children[rest % 2]


def require_plain(pattern: Any) -> None:
    """Patterns of nested names and lists of texts are all that is obeyed here."""
    for value in pattern.values():
        if isinstance(value, dict):
            require_plain(value)
        elif not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise NotObeyed(f"the filter {json.dumps(pattern)}")


def matches(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(below, value.get(name)) for name, below in pattern.items())
    return value in pattern


def sequence(record: Record) -> str:
    return record["dynamodb"]["SequenceNumber"]


def arrival(record: Record) -> float:
    return record["dynamodb"]["ApproximateCreationDateTime"]


def key(record: Record) -> str:
    """The partition key."""
    return next(iter(record["dynamodb"]["Keys"]["pk"].values()))


def time_text(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
