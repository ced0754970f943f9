"""The local AWS, ministack, which here keeps what it has answered even when it is killed: aws.py

ministack writes its state when it is asked to end; a killed process never is. So each change of a table is written down before
it is answered (the journal), and every few seconds the whole state is (the snapshot), which begins a new journal. What starts
after a kill reads both: every answer that somebody got still holds. Queues and whatever else are as the last snapshot has them,
so a message may come again, or be lost in its last seconds, as the sweepers expect. A change that a stream's reader had not
read is in the stream again, and one that it had read may come twice.

Nothing is forced to the disk: that costs milliseconds a write, and it is the process that dies on a laptop.

Mail to SES's own mailbox simulator comes back as it does there: `bounce@simulator.amazonses.com`, `complaint@…`, with whatever `+label`.
"""

import asyncio
import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from ministack import app
from ministack.core import persistence
from ministack.services import cloudformation, dynamodb, eventbridge, lambda_svc, ses_v2

FOLDER = Path(persistence.STATE_DIR)
JOURNAL = FOLDER / "journal.jsonl"
STREAMS = FOLDER / "streams.json"
SNAPSHOT_SECONDS = 5
# Nobody is answered while a snapshot is made: of a large state there are fewer.
MOST_OF_THE_TIME = 0.05

log = logging.getLogger("local")


class Journal:
    """What happened to tables since the last snapshot, a line for each request that changed something: all of it, or none."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.items: list[Any] = []
        self.records: list[Any] = []
        self.file: TextIO | None = None

    def set_item(self, table: dict[str, Any], pk: str, sk: str, item: dict[str, Any]) -> Any:
        with self.lock:
            self.items.append([*place(table), pk, sk, item])
            return set_item(table, pk, sk, item)

    def remove_item(self, table: dict[str, Any], pk: str, sk: str) -> Any:
        with self.lock:
            self.items.append([*place(table), pk, sk, None])
            return remove_item(table, pk, sk)

    def change_record(self, table: dict[str, Any], *change: Any) -> dict[str, Any]:
        record = change_record(table, *change)
        with self.lock:
            self.records.append([*place(table), record])
        return record

    def write(self) -> None:
        with self.lock:
            if self.file and (self.items or self.records):
                self.file.write(json.dumps({"items": self.items, "records": self.records}) + "\n")
                self.file.flush()
                self.items, self.records = [], []

    def begin(self) -> None:
        """Anew, beside a snapshot that has all there was."""
        with self.lock:
            if self.file:
                self.file.close()
            self.items, self.records = [], []
            self.file = JOURNAL.open("w")


def place(table: dict[str, Any]) -> tuple[str, str, str]:
    region, account, _ = table["TableArn"].split(":")[3:6]
    return account, region, table["TableName"]


journal = Journal()
set_item, remove_item, change_record = dynamodb._set_item, dynamodb._remove_item, dynamodb._build_change_record
handle, load, save_all = dynamodb.handle_request, app._load_persisted_state, app.save_all
send_mail = ses_v2.handle_request


async def handle_and_write(*request: Any) -> Any:
    """All that a request changes it changes in one step of the loop, so the journal has it whole before anybody hears of it."""
    answer = await handle(*request)
    journal.write()
    return answer


async def mail(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
    answer = await send_mail(method, path, headers, body, query)
    if method == "POST" and path.endswith("/outbound-emails") and answer[0] == 200:
        come_back(json.loads(body))
    return answer


def come_back(sent: dict[str, Any]) -> None:
    """Tells EventBridge what SES would, of what went to its mailbox simulator through a configuration set."""
    for address in sent["Destination"]["ToAddresses"]:
        mailbox, _, domain = address.partition("@")
        mailbox = mailbox.partition("+")[0]
        if domain != "simulator.amazonses.com" or mailbox not in ("bounce", "complaint"):
            continue
        kind, told, recipients = {
            "bounce": ("Bounce", "Email Bounced", "bouncedRecipients"),
            "complaint": ("Complaint", "Email Complaint Received", "complainedRecipients"),
        }[mailbox]
        detail = {
            "eventType": kind, "mail": {"destination": [address], "tags": {"ses:configuration-set": [sent["ConfigurationSetName"]]}},
            mailbox: {"bounceType": "Permanent", recipients: [{"emailAddress": address}]},
        }
        eventbridge._put_events(
            {"Entries": [{"Source": "aws.ses", "DetailType": told, "Detail": json.dumps(detail)}]}, allow_aws_source=True)


def save(services: dict[str, Any]) -> None:
    """A snapshot. The streams come last and the journal ends after them: a kill in between makes records come twice at worst."""
    with journal.lock:
        save_all(services)
        streams = {}
        for (account, region, table), records in dynamodb._stream_records.all_items():
            start = dynamodb.stream_start_position(table, account_id=account, region=region)
            read = min(positions(account, region, table), default=start)
            streams["\0".join((account, region, table))] = {"start": max(start, read), "records": records[max(0, read - start):]}
        changed = STREAMS.with_suffix(".new")
        changed.write_text(json.dumps(streams))
        os.replace(changed, STREAMS)
        journal.begin()


def positions(account: str, region: str, table: str) -> list[int]:
    """How far each reader of a table's stream has come."""
    mappings = {mapping["UUID"] for (of, at, _), mapping in lambda_svc._esms.all_items()
                if (of, at) == (account, region) and f":table/{table}/" in mapping.get("EventSourceArn", "")}
    read = lambda_svc._dynamodb_stream_positions.all_items()
    return [position for (of, at, reader), position in read if (of, at) == (account, region) and reader in mappings]


def restore() -> None:
    """What was, from the last snapshot and what is journaled beside it."""
    load()
    if STREAMS.exists():
        for name, stream in json.loads(STREAMS.read_text()).items():
            dynamodb._stream_trimmed.set_scoped(*name.split("\0"), stream["start"])
            dynamodb._stream_records.set_scoped(*name.split("\0"), stream["records"])
    lines = JOURNAL.read_text().splitlines(keepends=True) if JOURNAL.exists() else []
    # The last may be half a line: nobody was answered what it says.
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    for line in whole:
        for *where, pk, sk, item in line["items"]:
            if table := dynamodb._tables.get_scoped(*where):
                remove_item(table, pk, sk) if item is None else set_item(table, pk, sk, item)
        for *where, record in line["records"]:
            if dynamodb._stream_records.get_scoped(*where) is None:
                dynamodb._stream_records.set_scoped(*where, [])
            dynamodb._stream_records.get_scoped(*where).append(record)
    log.info("restored %d journaled changes", len(whole))
    save(app._build_persistence_save_dict())
    asyncio.get_running_loop().create_task(snapshots())


async def snapshots() -> None:
    pause = float(SNAPSHOT_SECONDS)
    while True:
        await asyncio.sleep(pause)
        # A deployment that is half done can't be gone on with: after a kill it begins anew, from before it.
        stacks = [stack for _, stack in cloudformation._stacks.all_items()]
        if not any(stack.get("StackStatus", "").endswith("_IN_PROGRESS") for stack in stacks):
            began = time.monotonic()
            save(app._build_persistence_save_dict())
            took = time.monotonic() - began
            pause = max(SNAPSHOT_SECONDS, took / MOST_OF_THE_TIME)
            log.info("a snapshot took %.3f s", took)


def main() -> None:
    ses_v2.handle_request = mail
    if persistence.PERSIST_STATE:
        dynamodb._set_item, dynamodb._remove_item = journal.set_item, journal.remove_item
        dynamodb._build_change_record, dynamodb.handle_request = journal.change_record, handle_and_write
        app._load_persisted_state, app.save_all = restore, save
        FOLDER.mkdir(parents=True, exist_ok=True)
    app.main()


if __name__ == "__main__":
    main()
