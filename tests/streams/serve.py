"""Drives every reader of a DynamoDB stream as Lambda does, in place of the local cloud's shortcut: `stack.py run` starts it.

The local cloud has one position a table and moves it past a batch whatever its function answers. So its own mappings are turned off,
and what they say is obeyed here (`mapping.py`), over several shards that are made of its one. Some batches are delivered twice, and
shards are read in another order each time, by a seed. What was done is written down, a line each; the address that it
listens at answers the `IteratorAge` of each function.
"""

import argparse
import json
import os
import random
import sys
import threading
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TextIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mapping import Answer, Lane, Mapping, Reader, Record, Shard, Shards

# The service asks four times a second (with-ddb); what is tested waits for it.
POLL = 0.2
SHARDS = 3
# Soon enough that the split happens in every run.
RECORDS_UNTIL_SPLIT = 20
DOUBLES = 0.1
FIRST_WAIT, LONGEST_WAIT = 0.25, 1.0


class Function:
    """What a mapping acts upon in the local cloud."""

    def __init__(self, mapping: Mapping, chance: random.Random, log: TextIO, ages: dict[str, int]) -> None:
        self.arn = mapping["FunctionArn"]
        self.name = self.arn.split(":")[6]
        self.destination = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        self.chance, self.log, self.ages = chance, log, ages
        # A call is never sent twice behind our back, and no function runs as long.
        self.functions = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}, read_timeout=120, max_pool_connections=50))
        self.queues = boto3.client("sqs")

    def now(self) -> float:
        return time.time()

    def invoke(self, records: list[Record]) -> Answer | None:
        try:
            answer = self.functions.invoke(FunctionName=self.arn, Payload=json.dumps({"Records": records}))
        except (ClientError, BotoCoreError) as error:
            print(f"{self.name} was not called: {error}", file=sys.stderr)
            return None
        payload = json.loads(answer["Payload"].read() or "null")
        return Answer(payload, answer.get("FunctionError"), answer.get("ExecutedVersion", "$LATEST"))

    def send(self, letter: dict[str, Any]) -> None:
        url = self.queues.get_queue_url(QueueName=self.destination.rpartition(":")[2])["QueueUrl"]
        self.queues.send_message(QueueUrl=url, MessageBody=json.dumps(letter))

    def backoff(self, failures: int) -> float:
        return min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT)

    def comes_again(self) -> bool:
        return self.chance.random() < DOUBLES

    def tell(self, line: dict[str, Any]) -> None:
        if "iteratorAge" in line:
            self.ages[self.name] = line["iteratorAge"]
        self.log.write(json.dumps({"time": round(self.now(), 3), "function": self.name} | line) + "\n")


class Source:
    """A stream from one position on, with all that read it from there."""

    def __init__(self, arn: str, position: str, readers: list[Reader], chance: random.Random) -> None:
        self.streams = boto3.client("dynamodbstreams")
        self.arn, self.position, self.readers, self.chance = arn, position, readers, chance
        self.shards = Shards(SHARDS, RECORDS_UNTIL_SPLIT)
        self.woken: dict[Lane, threading.Event] = {}

    def read(self) -> None:
        """Reads as long as the process lives."""
        for records in self._pages():
            by_shard: dict[str, list[tuple[Shard, Record]]] = defaultdict(list)
            for record in records:
                shard = self.shards.of(record)
                by_shard[shard.id].append((shard, record))
            for shard_id in self.chance.sample(sorted(by_shard), len(by_shard)):
                for reader in self.chance.sample(self.readers, len(self.readers)):
                    lanes = {reader.put(shard, record) for shard, record in by_shard[shard_id]} - {None}
                    for lane in lanes:
                        self._wake(lane)

    def _pages(self) -> Iterator[list[Record]]:
        [shard] = self.streams.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        iterator = self.streams.get_shard_iterator(
            StreamArn=self.arn, ShardId=shard["ShardId"], ShardIteratorType=self.position)["ShardIterator"]
        while True:
            page = self.streams.get_records(ShardIterator=iterator)
            iterator = page["NextShardIterator"]
            yield [as_event(record, self.arn) for record in page["Records"]]
            time.sleep(POLL)

    def _wake(self, lane: Lane) -> None:
        if lane not in self.woken:
            self.woken[lane] = threading.Event()
            start(work, lane, self.woken[lane])
        self.woken[lane].set()


def work(lane: Lane, woken: threading.Event) -> None:
    """Gives a lane its turns as long as the process lives."""
    while True:
        woken.clear()
        wait = lane.turn()
        if wait != 0:
            woken.wait(wait)


def as_event(record: Record, stream: str) -> Record:
    """A record as a function gets it."""
    return json.loads(json.dumps(record | {"eventSourceARN": stream}, default=plain))


def plain(value: Any) -> Any:
    """What JSON has no word for: seconds since 1970 for a time, base64 for bytes."""
    return b64encode(value).decode() if isinstance(value, bytes) else value.timestamp()


def start(target: Any, *arguments: Any) -> None:
    """Runs a thread. What none of them can go on from ends the process, so that somebody hears of it."""
    def whole() -> None:
        try:
            target(*arguments)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)

    threading.Thread(target=whole, daemon=True).start()


def take_over() -> list[Mapping]:
    """Turns the local cloud's own mappings of streams off, and answers them."""
    functions = boto3.client("lambda")
    pages = functions.get_paginator("list_event_source_mappings").paginate()
    mappings = [it for page in pages for it in page["EventSourceMappings"] if ":dynamodb:" in it["EventSourceArn"]]
    for mapping in mappings:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    return mappings


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--log", type=Path, required=True)
    arguments.add_argument("--seed", type=int, required=True)
    given = arguments.parse_args()
    chance, ages = random.Random(given.seed), {}
    log = given.log.open("a", buffering=1)
    readers = defaultdict(list)
    for mapping in take_over():
        from_here = (mapping["EventSourceArn"], mapping["StartingPosition"])
        readers[from_here].append(Reader(mapping, Function(mapping, chance, log, ages)))
    for (stream, position), of_stream in readers.items():
        start(Source(stream, position, of_stream, chance).read)

    class Ages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(ages).encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads who asked."""

    ThreadingHTTPServer(("127.0.0.1", given.port), Ages).serve_forever()


if __name__ == "__main__":
    main()
