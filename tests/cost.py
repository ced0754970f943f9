"""`make cost`: what 1,000 purchases cost in won, and 1,000 refunds: tickets are bought and given back on a stack whose calls are counted, from the
hold to the last mail, and priced by infra/prices.toml.

    python tests/cost.py

Reads and writes of DynamoDB, requests, messages, events, mails and runs are counted; how long a function waits is said in
infra/prices.toml. One ticket each, paid in cash; nothing is batched, since nobody else buys: with many buyers a run of a worker does
the work of several.
"""

import json
import os
import sys
import time
import urllib.request
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "infra"), str(ROOT / "infra/local")]

from cost import Prices, Usage, table
from deploy import Cloud, DeployError
from processes import StackError, end_by_exception, free_ports
from programme import PROGRAMME
from seed import KOREA, Api, SeedError, event
from stack import LOCAL, STAGE, Ports, Stack, sweep, write_tables

FANS, EACH = 5, 4
BOUGHT = FANS * EACH
PATIENCE_SECONDS = 240
# CloudWatch counts so many bytes more for each line.
LINE = 26
# They run by the clock, and cost the same when nobody buys.
TIMERS = {"sweep_payments", "audit_payments"}
# Whoever buys waits for these; all others are workers.
ANSWERING = {"create_payment", "approve_payment", "get_payment", "get_ticket", "get_refund_quote", "refund_payment"}
# What comes to it the bus has put into its queue: one request of SQS a message, which it reads its payment for.
BY_BUS = "tell_sales"


class Count:
    """Everything that is paid for between two moments."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.cloud = stack, Cloud(stack.aws_url, stack.folder)
        self.meter = f"http://127.0.0.1:{stack.ports.recorded_aws}/_meter"
        self.began, self.kakaopay, self.asked = datetime.now(UTC), self.kakaopay_calls(), 0
        http("POST", self.meter)

    def end(self) -> dict[str, Usage]:
        calls = [call for call in http("DELETE", self.meter) if call["operation"] and name(call["function"]) not in TIMERS]
        runs, logged = self.runs()
        prices = Prices.read()
        answering = [call for call in calls if name(call["function"]) in ANSWERING]
        working = [call for call in calls if name(call["function"]) not in ANSWERING]
        # Only who answers asks KakaoPay, as long as all goes well.
        by_answer = prices.running(answering, sum(runs[one] for one in ANSWERING), self.kakaopay_calls() - self.kakaopay)
        by_work = prices.running(working, sum(number for one, number in runs.items() if one not in ANSWERING))
        polled = 2 * sum(runs[one] for one in self.of_queues() if one in runs)
        delivered = sum(name(call["function"]) == BY_BUS and call["operation"] == "GetItem" for call in calls)
        show(calls, runs, logged)
        of_answer = sum(logged[one] for one in ANSWERING)
        return {
            "answering": by_answer + prices.asked(self.asked) + Usage(log_gigabytes=of_answer / 1e9),
            "working": by_work + Usage(sqs_requests=polled + delivered, log_gigabytes=(sum(logged.values()) - of_answer) / 1e9)}

    def runs(self) -> tuple[Counter[str], Counter[str]]:
        """How often each function ran, and how many bytes it logged: each run ends with one line that says so."""
        logs, since = self.cloud.client("logs"), int(self.began.timestamp() * 1000)
        runs, logged = Counter[str](), Counter[str]()
        for group in logs.describe_log_groups()["logGroups"]:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"], startTime=since):
                for line in page["events"]:
                    told = line["message"].startswith("{") and json.loads(line["message"])
                    if not told or "function" not in told or name(told["function"]) in TIMERS:
                        continue
                    logged[name(told["function"])] += len(line["message"].encode()) + LINE
                    runs[name(told["function"])] += told.get("message") in ("request", "work")
        return runs, logged

    def of_queues(self) -> set[str]:
        mappings = self.cloud.client("lambda").get_paginator("list_event_source_mappings").paginate()
        return {name(mapping["FunctionArn"].split(":")[6]) for page in mappings for mapping in page["EventSourceMappings"]
                if ":sqs:" in mapping["EventSourceArn"]}

    def kakaopay_calls(self) -> int:
        payments = http("GET", f"{self.stack.kakaopay_url}/_sim/payments")["payments"]
        return sum(payment[f"{call}_calls"] for payment in payments for call in ("ready", "approve", "cancel", "order"))


def name(function: str | None) -> str:
    return (function or "").removeprefix(f"{STAGE}-")


def http(method: str, address: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=30) as answer:
        return json.loads(answer.read() or "null")


def show(calls: list[dict[str, Any]], runs: Counter[str], logged: Counter[str]) -> None:
    """What stands behind the table, for each purchase."""
    units = Counter[str]()
    for call in calls:
        units["reads"] += call["reads"]
        for of, number in call["writes"].items():
            units[of] += number
    print("   runs:", ", ".join(f"{one} {number / BOUGHT:.2f}" for one, number in sorted(runs.items())),
          f"; {sum(logged.values()) / BOUGHT:,.0f} bytes logged")
    print("   calls:", ", ".join(f"{one} {of} {number / BOUGHT:.2f}" for (one, of), number in sorted(
        Counter((name(call["function"]), call["operation"]) for call in calls).items())))
    print("   units:", ", ".join(f"{of} {number / BOUGHT:.2f}" for of, number in sorted(units.items())))


class Fan:
    def __init__(self, api: Api, number: int, count: Any) -> None:
        self.api, self.count = api, count
        self.token = api.member(f"cost-{number}", "비용을 세는 관객", "USER")

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        status, answer = self.api.call(method, path, body, **headers)
        self.count().asked += 1
        if status not in (200, 201):
            sys.exit(f"{method} {path} was answered {status}: {answer}")
        return answer

    def buy(self, show: str, key: str) -> str:
        """From the hold to the ticket: four requests."""
        order = {"purpose": "TICKETS", "eventId": show, "quantity": 1}
        payment = self.call("POST", "/v1/payments", order, key)
        page = urlsplit(payment["kakaopay"]["pc"])
        agreed = http("POST", f"{page.scheme}://{page.netloc}/_sim/payments/{payment['id']}/approve")
        self.call("GET", agreed["return_url"].removeprefix(self.api.url))
        paid = self.call("GET", f"/v1/payments/{payment['id']}")
        self.call("GET", f"/v1/tickets/{paid['ticketIds'][0]}")
        return payment["id"]

    def give_back(self, payment: str, key: str) -> None:
        """Two requests: what comes back, and yes."""
        quote = self.call("GET", f"/v1/payments/{payment}/refund-quote")
        self.call("POST", f"/v1/payments/{payment}/refunds",
                  {"ticketIds": [ticket["ticketId"] for ticket in quote["tickets"]], "total": quote["all"]["total"]}, key)


def settle(cloud: Cloud) -> None:
    """Waits until no queue has anything left, messages that come later among it."""
    sqs = cloud.client("sqs")
    queues = [url for url in sqs.list_queues().get("QueueUrls", []) if not url.endswith(("-dead", "-failures"))]
    kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    deadline, quiet = time.monotonic() + PATIENCE_SECONDS, 0
    while quiet < 5:
        left = {url: sum(int(n) for n in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=kinds)["Attributes"].values()) for url in queues}
        quiet = 0 if any(left.values()) else quiet + 1
        if time.monotonic() > deadline:
            sys.exit(f"After {PATIENCE_SECONDS} s there are messages in {[url for url, n in left.items() if n]}.")
        time.sleep(1)


def buy_and_give_back(stack: Stack) -> None:
    cloud, api = Cloud(stack.aws_url, stack.folder), Api(stack.url)
    prices = Prices.read()
    artist = api.member("cost-artist", "비용의 무대", "ARTIST")
    today = datetime.now(KOREA).replace(hour=0, minute=0, second=0, microsecond=0)
    show = next(show for show in PROGRAMME if show.sale == "open" and show.price > 0 and show.capacity > BOUGHT and show.day > 14)
    status, published = api.call("POST", "/v1/events", event(show, today), **{"Authorization": f"Bearer {artist}", "Idempotency-Key": "cost"})
    if status != 201:
        sys.exit(f"publishing {show.title}: {published}")
    count: Count
    fans = [Fan(api, number, lambda: count) for number in range(FANS)]
    settle(cloud)

    print(f"\n{BOUGHT} purchases, from the hold to the last mail; for each:", flush=True)
    count = Count(stack)
    bought = [(fan, fan.buy(published["id"], f"buy-{number}")) for number in range(EACH) for fan in fans]
    settle(cloud)
    purchases = {kind: used * (1_000 / BOUGHT) for kind, used in count.end().items()}
    print(f"{BOUGHT} refunds; for each:", flush=True)
    count = Count(stack)
    for fan, payment in bought:
        fan.give_back(payment, f"back-{payment}")
    settle(cloud)
    refunds = {kind: used * (1_000 / BOUGHT) for kind, used in count.end().items()}

    days = prices.assumed["days_before_event"]
    purchase = [
        ("hold, KakaoPay, ticket: who answers", purchases["answering"]),
        ("relay, queues, inbox, mail: who works", purchases["working"]),
        (f"KakaoPay's books, each day, {days} days", prices.looks(1_000 * days)),
        (f"share of what runs each minute, of {prices.assumed['purchases_a_month']:,} a month", prices.timers(1_000)),
    ]
    refund = [("refund: who answers", refunds["answering"]), ("refund: who works", refunds["working"])]
    rows = []
    for title, parts in (("1,000 purchases", purchase), ("1,000 refunds", refund)):
        whole = sum((used for _, used in parts), Usage())
        again = prices.again(whole)
        rows += [*parts, (f"retries, {prices.assumed['retries_percent']} %", again), (f"**{title}**", whole + again)]
    told = f"""# What 1,000 purchases and 1,000 refunds cost, in won ({date.today()})

`make cost` counted {BOUGHT} of each. Prices of {prices.date}, {prices.rate:,} won a dollar, beyond all free tiers (infra/prices.toml; from memory and
to be checked: {", ".join(prices.unsure)}, and the rate).

{table(prices, rows)}

Left out: looking around before (search, event pages), signing up and in; KakaoPay's own fee; what is paid by the month whoever buys
(OpenSearch, alarms, dashboard, secrets, backups, Lambda's polling of empty queues, storage); data out; X-Ray. Lambda does not pay
for reading a stream, nor EventBridge for delivering into a queue, but SQS does for the message.
"""
    (ROOT / "infra/throughput/cost.md").write_text(told)
    print("\n" + told)


def main() -> None:
    write_tables()
    sweep()
    end_by_exception()
    # The local cloud reads the streams itself: what drives them in tests brings records twice.
    stack = Stack(LOCAL / f"test-{os.getpid()}", Ports(*free_ports(8)), {"HoldSeconds": "20"})
    try:
        stack.start()
        buy_and_give_back(stack)
    except (StackError, DeployError, SeedError) as error:
        sys.exit(str(error))
    finally:
        stack.stop()
        stack.forget(keep_logs=False)


if __name__ == "__main__":
    main()
