"""A power cut in mid-sale: the local AWS is killed with -9 while fans buy, and what `make up` does afterwards makes it whole.

    python tests/power_cut.py

In a stack of its own. Whoever was answered anything finds it again; KakaoPay has no won without its ticket, and the shop no ticket
without its won; the search tells what the table does; a search that lost what the table has is made anew; the accounts that
`make up` prints sign in.
"""

import json
import os
import random
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "infra/local"))

from deploy import Cloud, DeployError
from mend import in_search, in_table
from processes import StackError, end_by_exception, free_ports
from programme import PROGRAMME
from seed import KOREA, Api, SeedError, event
from stack import LOCAL, STAGE, Ports, Stack, sweep, write_tables

FANS, SEATS = 6, 400
# The sale goes on until so many tickets were answered to somebody, and then the light goes out.
SOLD_BEFORE = 25


class Broken(Exception):
    """Says in one sentence which promise was not kept."""


def require(kept: bool, promise: str) -> None:
    if not kept:
        raise Broken(promise)


class Fan:
    """Buys one ticket after the other, as many as one may have, then as another; and remembers what was answered."""

    def __init__(self, stack: Stack, show: str, stop: threading.Event) -> None:
        self.stack = stack
        self.api = Api(stack.url)
        self.show = show
        self.stop = stop
        # By payment, the last state that the fan was told, and the token of whose it is.
        self.told: dict[str, tuple[str, str]] = {}
        self.sold = 0

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                token = member(self.api, "USER")
                for _ in range(4):
                    self.buy(token)
            except (OSError, ValueError, KeyError):
                # The lights are out: nobody was told anything.
                time.sleep(0.05)

    def buy(self, token: str) -> None:
        body = {"purpose": "TICKETS", "eventId": self.show, "quantity": 1}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        status, payment = self.api.call("POST", "/v1/payments", body, **headers)
        if status != 201:
            return
        self.told[payment["id"]] = (payment["state"], token)
        if random.random() < 0.2:
            return  # went away
        back = ask("POST", f"{self.stack.kakaopay_url}/_sim/payments/{payment['id']}/approve")["return_url"]
        shown = ask("GET", back)
        self.told[payment["id"]] = (shown["state"], token)
        self.sold += shown["state"] == "APPROVED"


def member(api: Api, role: str) -> str:
    who = {"email": f"{uuid.uuid4().hex}@example.kr", "password": uuid.uuid4().hex}
    api.sign_up(who | {"nickname": "정전 속의 관객", "role": role, "fourteenOrOlder": True})
    return api.call("POST", "/v1/auth/sign-in", who)[1]["accessToken"]


def ask(method: str, url: str) -> Any:
    request = urllib.request.Request(url, method=method, headers={"Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(what: str, seconds: float, right: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not right():
        require(time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)


def cut(stack: Stack) -> None:
    os.kill(stack.process("aws").running()["pid"], signal.SIGKILL)


def publish(api: Api, artist: str, title: str, capacity: int) -> str:
    today = datetime.now(KOREA).replace(hour=0, minute=0, second=0, microsecond=0)
    show = event(PROGRAMME[0], today) | {"title": title, "capacity": capacity, "endsAt": (today + timedelta(days=20)).isoformat()}
    headers = {"Authorization": f"Bearer {artist}", "Idempotency-Key": uuid.uuid4().hex}
    status, published = api.call("POST", "/v1/events", show, **headers)
    require(status == 201, f"publishing {title}: {published}")
    return published["id"]


def sale(stack: Stack, show: str) -> list[Fan]:
    """Fans buy until the light goes out, which is in the midst of what they do."""
    stop = threading.Event()
    fans = [Fan(stack, show, stop) for _ in range(FANS)]
    threads = [threading.Thread(target=fan.run) for fan in fans]
    for thread in threads:
        thread.start()
    try:
        until(f"{SOLD_BEFORE} tickets are sold", 120, lambda: sum(fan.sold for fan in fans) >= SOLD_BEFORE)
        cut(stack)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return fans


def check_books(stack: Stack, cloud: Cloud, show: str, fans: list[Fan]) -> None:
    """The shop's books against what fans were told, and against KakaoPay's."""
    api = Api(stack.url)
    told = {payment: (state, token) for fan in fans for payment, (state, token) in fan.told.items()}

    def payments() -> dict[str, dict[str, Any]]:
        pages = cloud.client("dynamodb").get_paginator("scan").paginate(
            TableName=f"{STAGE}-sales", ConsistentRead=True, FilterExpression="sk = :payment",
            ExpressionAttributeValues={":payment": {"S": "PAYMENT"}})
        return {item["pk"]["S"].removeprefix("PAY#"): item for page in pages for item in page["Items"]}

    for payment, (state, token) in told.items():
        status, kept = api.call("GET", f"/v1/payments/{payment}", **{"Authorization": f"Bearer {token}"})
        require(status == 200, f"a fan was told of payment {payment}, and it is {status} now")
        require(state != "APPROVED" or kept["state"] == "APPROVED", f"{payment} was told to be approved, and is {kept['state']}")

    def settled() -> bool:
        cloud.client("lambda").invoke(FunctionName=f"{STAGE}-sweep_payments", Qualifier="live", Payload=b"{}")
        # What is paid is looked at each day; nothing else is to wait for anybody.
        due = (item["dueKey"]["S"] for item in payments().values() if "dueKey" in item)
        return all(key.startswith("LOOK#") for key in due)

    until("every hold ends and every payment in between is settled", 150, settled)
    orders = ask("GET", f"{stack.kakaopay_url}/_sim/payments")["payments"]
    taken = {order["partner_order_id"]: order["net_amount"] for order in orders if order["net_amount"]}
    kept = payments()
    paid = {payment: int(item["cash"]["N"]) for payment, item in kept.items() if item["state"]["S"] == "APPROVED"}
    require(taken == paid, f"KakaoPay took {taken.items() - paid.items()} without a ticket, {paid.items() - taken.items()} were not paid")
    tickets = sum(len(item["ticketIds"]["L"]) for item in kept.values() if item["state"]["S"] == "APPROVED")
    left = api.call("GET", f"/v1/events/{show}")[1]["seatsLeft"]
    require(left == SEATS - tickets, f"{tickets} of {SEATS} seats are sold, and {left} are left")
    print(f"  {len(told)} payments were told to somebody; of {len(kept)} in the books {len(paid)} are paid, as KakaoPay says")


def walk(stack: Stack) -> None:
    stack.start()
    stack.mend()
    cloud, api = Cloud(stack.aws_url, stack.folder), Api(stack.url)
    artist = member(api, "ARTIST")
    show = publish(api, artist, "정전의 밤", SEATS)

    print("a power cut in mid-sale")
    fans = sale(stack, show)
    stack.start()
    stack.mend()
    check_books(stack, cloud, show, fans)
    require(in_table(cloud, STAGE) == in_search(cloud.session, stack.search_url), "the search tells something else than the table")

    print("a power cut the moment after an answer, and again, and the search loses what it had")
    last = publish(api, artist, "마지막 공연", 10)
    cut(stack)
    stack.start()
    require(api.call("GET", f"/v1/events/{last}")[0] == 200, "a show was published, and is gone")
    cut(stack)
    removed = urllib.request.Request(f"{stack.search_url}/events/_delete_by_query?refresh=true", b'{"query": {"match_all": {}}}',
                                     {"Content-Type": "application/json"}, method="POST")
    urllib.request.urlopen(removed, timeout=30).close()
    require(not in_search(cloud.session, stack.search_url), "the search has lost everything")
    stack.start()
    stack.mend()
    require(last in in_search(cloud.session, stack.search_url), "the search has it again")
    require(in_table(cloud, STAGE) == in_search(cloud.session, stack.search_url), "the search tells what the table does")


def main() -> int:
    write_tables()
    sweep()
    end_by_exception()
    # Holds end while this runs.
    stack = Stack(LOCAL / f"test-{os.getpid()}", Ports(*free_ports(6)), {"HoldSeconds": "30"}, outlives_kills=True)
    kept = True
    try:
        walk(stack)
        kept = False
    except (Broken, StackError, DeployError, SeedError) as promise:
        print(f"✗ {promise}", file=sys.stderr)
    finally:
        stack.stop()
        stack.forget(keep_logs=kept)
    return int(kept)


if __name__ == "__main__":
    sys.exit(main())
