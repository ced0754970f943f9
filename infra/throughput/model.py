"""How many orders a minute of one event DynamoDB and Lambda take by their documented limits: `make model`.

    model.py [measured.json]

A shard is an item, and a transaction has it to itself for a service time; whoever meets it is refused and comes again as
shared/store/src/retry.rs does. That is simulated. Capacity of partitions, warm throughput of the table and of each index, and Lambda's
concurrency are divisions. Before it says anything of 80 shards it has to come within a fifth of runs of our code, measured on the local
cloud with transactions of an ordered length (`make bench-sales`, faults.py).
"""

import heapq
import json
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from plot import Line, plot

HERE = Path(__file__).parent
LIMITS = tomllib.loads((HERE / "limits.toml").read_text())
SHARDS = (1, 10, 40, 80)
SERVICE_MS = (5, 10, 15, 20, 30, 40, 50)


@dataclass(frozen=True)
class Patience:
    """Seconds."""

    first: float = LIMITS["dynamodb"]["first_wait_ms"] / 1000
    longest: float = LIMITS["dynamodb"]["longest_wait_ms"] / 1000
    limit: float = LIMITS["dynamodb"]["patience_ms"] / 1000
    call: float = LIMITS["dynamodb"]["call_ms"] / 1000


class Stock:
    """Shards that transactions take, and a clock; what is told is called back."""

    def __init__(self, shards: int, service: float, patience: Patience, seed: int) -> None:
        self.service, self.patience = service, patience
        self.free_at = [0.0] * shards
        self.chance = random.Random(seed)
        self.now, self.number = 0.0, 0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.attempts = self.refused = 0

    def at(self, moment: float, what: Callable[[], None]) -> None:
        self.number += 1
        heapq.heappush(self.events, (moment, self.number, what))

    def run(self, seconds: float) -> None:
        while self.events and self.events[0][0] <= seconds:
            self.now, _, what = heapq.heappop(self.events)
            what()

    def any_shard(self) -> int:
        return self.chance.randrange(len(self.free_at))

    def transact(self, shard: int, then: Callable[[bool], None]) -> None:
        """Takes the shard once it is free, and says whether that was in time."""
        half, patience = self.patience.call / 2, self.patience
        until, longest = self.now + patience.limit, patience.first

        def arrive() -> None:
            nonlocal longest
            self.attempts += 1
            if self.free_at[shard] <= self.now:
                self.free_at[shard] = self.now + self.service
                self.at(self.now + self.service + half, lambda: then(True))
                return
            wait = longest * self.chance.random()
            longest = min(2 * longest, patience.longest)
            told = self.now + half
            if told + wait > until:
                self.refused += 1
                self.at(told, lambda: then(False))
            else:
                self.at(told + wait + half, arrive)

        self.at(self.now + half, arrive)


def done_of(rate: float, service: float, patience: Patience, seed: int, seconds: float = 300.0) -> tuple[float, float]:
    """Of a shard that so many transactions a second come to at random: which part gives up, and how many attempts one took."""
    stock = Stock(1, service, patience, seed)
    answered = [0, 0]

    def told(ok: bool) -> None:
        answered[ok] += 1

    def come() -> None:
        if stock.now < seconds:
            stock.transact(0, told)
            stock.at(stock.now + stock.chance.expovariate(rate), come)

    stock.at(0.0, come)
    # Nobody comes any more, and everybody is told.
    stock.run(seconds + 2 * patience.limit)
    return answered[False] / sum(answered), stock.attempts / sum(answered)


def most(service: float, patience: Patience | None = None, seed: int = 2026) -> tuple[float, float]:
    """The most transactions a second that a shard takes while no more than 1 of 1,000 give up, and the attempts of each."""
    patience = patience or Patience()
    allowed = LIMITS["sale"]["refused_per_mille"] / 1000
    low, high, attempts = 0.0, 1.0 / service, 1.0
    for _ in range(9):
        rate = (low + high) / 2
        failed, tried = done_of(rate, service, patience, seed)
        if failed <= allowed:
            low, attempts = rate, tried
        else:
            high = rate
    return low, attempts


def per_order(sale: dict[str, Any] = LIMITS["sale"]) -> float:
    """How many transactions on a shard come with one order: its hold and its sale, the hold and the end of those that expire, its refund."""
    expired = sale["expired_percent"] / 100
    return 2 / (1 - expired) + sale["refunded_percent"] / 100


def units_of_order(where: str, sale: dict[str, Any] = LIMITS["sale"], units: dict[str, Any] = LIMITS["units"]) -> float:
    """Write units that one order brings to a table or an index, with its share of those that expire and are refunded."""
    expired = sale["expired_percent"] / 100 / (1 - sale["expired_percent"] / 100)
    return (units["bought"].get(where, 0) + expired * units["expired"].get(where, 0)
            + sale["refunded_percent"] / 100 * units["refunded"].get(where, 0))


def closed(run: dict[str, Any], patience: Patience, seed: int = 1) -> float:
    """Orders a minute of buyers who come again at once, as `make bench-sales` measured them; `alone` is what one takes without others."""
    service = run["serviceMs"] / 1000
    stock = Stock(run["shards"], service, patience, seed)
    rest = max(0.0, run["aloneOrderMs"] / 1000 - 2 * (service + patience.call))
    rest_of_return = max(0.0, run["aloneReturnMs"] / 1000 - service - patience.call)
    orders = 0

    def begin() -> None:
        shard = stock.any_shard()
        stock.at(stock.now + rest, lambda: stock.transact(shard, lambda ok: sell(shard) if ok else begin()))

    def sell(shard: int) -> None:
        stock.transact(shard, lambda ok: sold(shard) if ok else begin())

    def sold(shard: int) -> None:
        nonlocal orders
        orders += 1
        if stock.chance.random() < run["returned"]:
            stock.at(stock.now + rest_of_return, lambda: stock.transact(shard, lambda _: begin()))
        else:
            begin()

    for _ in range(run["clients"]):
        begin()
    seconds = max(60.0, run["seconds"])
    stock.run(seconds)
    return orders / seconds * 60


def limits(units: Callable[[str], float] = units_of_order) -> list[tuple[str, float, str]]:
    """Orders a minute by each limit that is no matter of shards, and how it is raised."""
    dynamodb, functions = LIMITS["dynamodb"], LIMITS["lambda"]
    rows = []
    for where in ("sales", "sales.byMember", "sales.due", "sales.byEvent"):
        need = units(where)
        rows.append((f"warm writes of `{where}`, {dynamodb['warm_writes']:,} a second", dynamodb["warm_writes"] / need * 60,
                     f"{need * LIMITS['sale']['bar'] / 60:,.0f} a second for the bar: `WarmWrites`, a day ahead"
                     + ("; byEvent has no setting, and follows a rush more slowly" if where.endswith("byEvent") else "")))
    rows.append(("on-demand quota of `sales`, 40,000 a second", dynamodb["table_writes"] / units("sales") * 60, "a quota of the account"))
    rows.append(("the 8 entries of an event in `byEvent`, a partition each", 8 * dynamodb["partition_writes"] / units("sales.byEvent") * 60, "more shards of `eventKey`"))
    rows.append(("the 16 shards of `due` of a kind", 16 * dynamodb["partition_writes"] / units("sales.due") * 60, "more shards of `dueKey`"))
    rows.append(("the sold-out mark, or the queue, read by each who tries (tries a minute)", dynamodb["partition_reads"] * 60, "a queue before the sale"))
    for kakaopay in functions["kakaopay_ms"]:
        busy = (2 * kakaopay + functions["own_ms"]) / 1000
        rows.append((f"Lambda's concurrency, KakaoPay {kakaopay} ms a call", (functions["concurrency"] - functions["reserved"]) / busy * 60,
                     f"{busy * LIMITS['sale']['bar'] / 60:,.0f} at once for the bar: a quota of the account"))
    return rows


@dataclass(frozen=True)
class Rush:
    """What a queue made of a crowd. Seconds."""

    moments: list[float]
    all_served_after: float
    passed_by: float
    most_in_a_minute: int
    longest_wait: float
    polls: int
    most_polls_a_second: int


def numbers_of(people: int, within: float, seed: int = 2026) -> list[tuple[float, float]]:
    """When each has their number of so many who come within so long, at random, and when they came.

    All numbers are written to one item, and whoever finds it busy comes again.
    """
    chance, capacity, patience = random.Random(seed), LIMITS["dynamodb"]["partition_writes"], Patience()
    written = Counter[int]()
    served = []
    tries = [(moment, moment, moment, patience.first) for moment in (chance.uniform(0, within) for _ in range(people))]
    heapq.heapify(tries)
    while tries:
        now, came, began, longest = heapq.heappop(tries)
        if written[int(now)] < capacity:
            written[int(now)] += 1
            served.append((now, came))
            continue
        wait = longest * chance.random()
        if now + wait > began + patience.limit:
            # Told to come again, they do after a second or two.
            again = now + 1 + chance.random()
            heapq.heappush(tries, (again, came, again, patience.first))
        else:
            heapq.heappush(tries, (now + wait, came, began, min(2 * longest, patience.longest)))
    return served


def rush(served: list[tuple[float, float]], pace: int) -> Rush:
    """A crowd that has its numbers is let in, and asks how it stands as often as it is told to."""
    least, longest, part = (LIMITS["queue"][it] for it in ("least_poll_s", "longest_poll_s", "poll_part"))
    moments, waits, polls, since, base = [], [], Counter[int](), served[0][0], 0
    for number, (now, came) in enumerate(served):
        moment = since + (number - base) * 60 / pace
        if moment < now:
            # Nobody waits.
            since, base, moment = now, number, now
        moments.append(moment)
        waits.append(moment - came)
        while now < moment:
            now += min(max((moment - now) // part, least), longest)
            polls[int(now)] += 1
    # A minute, but for what a sum of fractions is off by.
    most, last, minute = 0, 0, 60 - 1e-6
    for first, moment in enumerate(moments):
        while last < len(moments) and moments[last] < moment + minute:
            last += 1
        most = max(most, last - first)
    passed_by, earliest = 0.0, served[-1][1]
    for _, came in reversed(served):
        passed_by, earliest = max(passed_by, came - earliest), min(earliest, came)
    return Rush(moments, served[-1][0], passed_by, most, max(waits), polls.total(), max(polls.values(), default=0))


def queues() -> list[str]:
    queue = LIMITS["queue"]
    people = queue["people"]
    lines = [f"A queue, when {people:,} people come (`infra/data-model.md`, *Queues*). Without it all of them are at the shards at once:", "",
             "| come within, s | let in a minute | all have a number after, s | before one may be who came so much later, s | most in any minute | the last waits, min | asked how one stands, most a second | each asks |",
             "|---|---|---|---|---|---|---|---|"]
    for within in queue["within_s"]:
        served = numbers_of(people, within)
        for pace in queue["paces"]:
            it = rush(served, pace)
            lines.append(f"| {within} | {pace:,} | {it.all_served_after:,.0f} | {it.passed_by:.1f} | {it.most_in_a_minute:,} | {it.longest_wait / 60:,.0f} "
                         f"| {it.most_polls_a_second:,} | {it.polls / people:,.0f} |")
    takes = [f"{-(-pace // (most(service / 1000)[0] / per_order() * 60)):.0f} at {service} ms" for pace in queue["paces"][-1:] for service in (20, 50)]
    lines += ["", f"Numbers are let in in the order in which DynamoDB gave them; the item takes {LIMITS['dynamodb']['partition_writes']:,} a second, and beyond that those who wait "
              f"within their call have no order. How one stands is two half units of two partitions, and the gateway lets {queue['gateway']:,} a second in. "
              f"The highest pace, {queue['paces'][-1]:,} purchases a minute, wants so many shards: {', '.join(takes)}."]
    return lines


def sweep() -> list[dict[str, Any]]:
    rows = []
    for service_ms in SERVICE_MS:
        rate, attempts = most(service_ms / 1000)
        # What a shard's partition takes counts attempts, not successes.
        by_capacity = LIMITS["dynamodb"]["partition_writes"] / (attempts * LIMITS["dynamodb"]["shard_units"])
        rate = min(rate, by_capacity)
        orders = {shards: shards * rate / per_order() * 60 for shards in SHARDS}
        at_bar = LIMITS["sale"]["bar"] / 60 * per_order() / SHARDS[-1]
        _, tries = done_of(at_bar, service_ms / 1000, Patience(), 2026)
        rows.append({"serviceMs": service_ms, "transactions": rate, "attempts": attempts, "orders": orders, "triesAtBar": tries if at_bar <= rate else None,
                     "enough": -(-LIMITS["sale"]["bar"] // (orders[1] or 1))})
    return rows


def changes(service_ms: int) -> list[tuple[str, float]]:
    """What helped, and would, where a transaction takes long."""
    expired = LIMITS["sale"]["expired_percent"] / 100
    # A sale that counts nothing on the shard: held seats stay held, and what is sold the tickets say.
    without_sale = 1 / (1 - expired) + expired / (1 - expired) + LIMITS["sale"]["refunded_percent"] / 100
    as_it_is, attempts = most(service_ms / 1000)
    shorter, more = most(service_ms / 1000, Patience(longest=0.16))
    shards = SHARDS[-1]
    return [
        ("40 shards, as it was", 40 * as_it_is / per_order() * 60),
        (f"{shards} shards, as it is", shards * as_it_is / per_order() * 60),
        (f"and a longest wait of 160 ms between attempts, of which each takes {more:.1f} in place of {attempts:.1f}", shards * shorter / per_order() * 60),
        ("and a sale that writes no shard: one transaction less an order", shards * shorter / without_sale * 60),
    ]


def compare(runs: list[dict[str, Any]]) -> list[tuple[dict[str, Any], float, float]]:
    """Each measured run, what the model says of it, and how far that is off."""
    compared = []
    for run in runs:
        said = closed(run, Patience(call=run["callMs"] / 1000))
        compared.append((run, said, said / run["ordersPerMinute"] - 1))
    return compared


def report(runs: list[dict[str, Any]], rows: list[dict[str, Any]], changed: list[tuple[str, float]]) -> tuple[str, bool]:
    sale = LIMITS["sale"]
    lines = [f"# Orders a minute of one event, by the model ({date.today()})", "", "`make model` writes this from limits.toml and measured.json.", ""]
    compared = compare(runs)
    lines += ["Our code against the local cloud, a transaction's items taken for an ordered time; a quarter of the orders given back:", "",
              "| shards | service, ms | buyers | measured | model | off |", "|---|---|---|---|---|---|"]
    lines += [f"| {run['shards']} | {run['serviceMs']:g} | {run['clients']} | {run['ordersPerMinute']:,.0f} | {said:,.0f} | {off:+.0%} |" for run, said, off in compared]
    near = bool(compared) and all(abs(off) <= 0.2 for _, _, off in compared)
    lines += ["", "Within a fifth: " + ("yes." if near else "NO. What follows is not to be leaned on."), ""]
    lines += [f"Shards: {sale['expired_percent']} % of the holds expire, {sale['refunded_percent']} % of the orders are refunded meanwhile, so that an order brings {per_order():.2f} transactions "
              f"to a shard; at most {sale['refused_per_mille']} of 1,000 are told to come again:", "",
              "| service, ms | a shard, transactions a second | attempts each | " + " | ".join(map(shards_are, SHARDS)) + f" | shards for {sale['bar']:,} | attempts each at {sale['bar']:,} on {SHARDS[-1]} |",
              "|---" * (5 + len(SHARDS)) + "|"]
    lines += [f"| {row['serviceMs']} | {row['transactions']:.1f} | {row['attempts']:.2f} | " + " | ".join(f"{row['orders'][n]:,.0f}" for n in SHARDS) + 
              f" | {row['enough']:.0f} | {row['triesAtBar'] and format(row['triesAtBar'], '.2f') or '–'} |" for row in rows]
    lines += ["", "An attempt that is refused is paid for like one that is done: where the bar is reached, that many times the writes below are needed."]
    slow = SERVICE_MS[-1]
    lines += ["", f"What changed it, and would, where a transaction takes {slow} ms:", "", "| | orders a minute |", "|---|---|"]
    lines += [f"| {name} | {orders:,.0f} |" for name, orders in changed]
    lines += ["", "What else limits an event, as it is without any quota raised:", "", "| limit | orders a minute | raised by |", "|---|---|---|"]
    lines += [f"| {name} | {orders:,.0f} | {how} |" for name, orders, how in limits()]
    lines += ["", *queues()]
    return "\n".join(lines) + "\n", near


def shards_are(number: int) -> str:
    return "1 shard" if number == 1 else f"{number} shards"


def main() -> int:
    measured = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "measured.json"
    runs = json.loads(measured.read_text())["runs"] if measured.exists() else []
    rows = sweep()
    text, near = report(runs, rows, changes(SERVICE_MS[-1]))
    (HERE / "model.md").write_text(text)
    lines = [Line(shards_are(shards), [(row["serviceMs"], row["orders"][shards]) for row in rows]) for shards in SHARDS]
    lines.append(Line(f"the bar, {LIMITS['sale']['bar']:,}", [(SERVICE_MS[0], LIMITS["sale"]["bar"]), (SERVICE_MS[-1], LIMITS["sale"]["bar"])]))
    (HERE / "model.svg").write_text(plot(f"Orders a minute of one event, by the model ({date.today()})",
                                         "ms for which a transaction has its items", lines))
    print(text)
    return 0 if near else 1


if __name__ == "__main__":
    sys.exit(main())
