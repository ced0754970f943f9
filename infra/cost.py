"""What so much use of AWS costs in won, by infra/prices.toml. `tests/cost.py` measures the use."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
# The columns of the table, and which prices are in each.
COLUMNS = {
    "DynamoDB": ("dynamodb_reads", "dynamodb_writes"), "Lambda": ("lambda_requests", "lambda_gb_seconds"),
    "API Gateway": ("api_requests",), "WAF": ("firewall_requests",), "SQS": ("sqs_requests",), "EventBridge": ("events",), "SES": ("mails",),
    "logs": ("log_gigabytes",),
}


@dataclass(frozen=True)
class Usage:
    """How much is used of what has a price; the fields are called as in infra/prices.toml."""

    dynamodb_reads: float = 0
    dynamodb_writes: float = 0
    lambda_requests: float = 0
    lambda_gb_seconds: float = 0
    api_requests: float = 0
    firewall_requests: float = 0
    sqs_requests: float = 0
    events: float = 0
    mails: float = 0
    log_gigabytes: float = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, times: float) -> Self:
        return type(self)(*(each * times for each in astuple(self)))


class Prices:
    def __init__(self, given: dict[str, Any]) -> None:
        self.date, self.rate, self.assumed = given["date"], given["won_per_dollar"], given["assumed"]
        self.each = {field.name: given[field.name]["dollars_per_million"] for field in fields(Usage)}
        self.unsure = [field.name for field in fields(Usage) if "memory" in given[field.name]["known"]]

    @classmethod
    def read(cls) -> Self:
        return cls(tomllib.loads((HERE / "prices.toml").read_text()))

    def won(self, usage: Usage) -> dict[str, float]:
        """By column of the table."""
        of = {name: getattr(usage, name) * price / 1e6 * self.rate for name, price in self.each.items()}
        return {column: sum(of[name] for name in names) for column, names in COLUMNS.items()}

    def running(self, calls: Iterable[dict[str, Any]], runs: float, kakaopay: float = 0) -> Usage:
        """What so many runs of functions cost that make these calls, each waiting for one after the other, and what they log themselves."""
        a = self.assumed
        reads = writes = milliseconds = events = mails = sqs = 0.0
        for call in calls:
            match call["service"], call["operation"]:
                case "dynamodb", operation:
                    reads, writes = reads + call["reads"], writes + sum(call["writes"].values())
                    milliseconds += a["transaction_milliseconds" if operation.startswith("Transact") else "dynamodb_milliseconds"]
                case "events", _:
                    events, milliseconds = events + call["entries"], milliseconds + a["aws_milliseconds"]
                case "sqs", _:
                    sqs, milliseconds = sqs + 1, milliseconds + a["aws_milliseconds"]
                case "ses", _:
                    mails, milliseconds = mails + 1, milliseconds + a["mail_milliseconds"]
        milliseconds += runs * a["own_milliseconds"] + kakaopay * a["kakaopay_milliseconds"]
        logged = runs * a["lambda_log_bytes"] + events * a["journal_bytes"]
        return Usage(
            dynamodb_reads=reads, dynamodb_writes=writes, lambda_requests=runs,
            lambda_gb_seconds=milliseconds / 1000 * a["memory_gigabytes"], sqs_requests=sqs, events=events, mails=mails,
            log_gigabytes=logged / 1e9)

    def asked(self, requests: float) -> Usage:
        """What it costs that somebody asks the API so often, without the functions that answer."""
        return Usage(api_requests=requests, firewall_requests=requests, log_gigabytes=requests * self.assumed["access_log_bytes"] / 1e9)

    def again(self, usage: Usage) -> Usage:
        """What is done once more of it; no mail is sent twice."""
        share = usage * (self.assumed["retries_percent"] / 100)
        return Usage(**{field.name: 0 if field.name == "mails" else getattr(share, field.name) for field in fields(Usage)})

    def looks(self, times: float) -> Usage:
        """What it costs to compare so many payments with KakaoPay's books: `look` of infra/data-model.md. Its worker's own runs are in `timers`."""
        reads, writes = operation("look")
        waits = self.assumed["kakaopay_milliseconds"] + 2 * self.assumed["dynamodb_milliseconds"]
        return Usage(dynamodb_reads=reads, dynamodb_writes=writes, lambda_gb_seconds=waits / 1000 * self.assumed["memory_gigabytes"]) * times

    def timers(self, purchases: float) -> Usage:
        """The share of so many purchases in what runs each minute whoever buys: the sweeper over two kinds, the audit over one, of 16 shards."""
        reads, _ = operation("sweep of one shard")
        query = {"service": "dynamodb", "operation": "Query", "reads": reads, "writes": {}}
        minute = self.running([query] * (3 * 16), runs=2)
        return minute * (30 * 24 * 60 * purchases / self.assumed["purchases_a_month"])


def operation(name: str) -> tuple[float, float]:
    """The read and write units of an operation, as infra/data-model.md has them and the tests check them."""
    row = re.search(rf"^\| `{re.escape(name)}` \|.*\| ([\d.]+) \| ([\d.]+) \|$", (HERE / "data-model.md").read_text(), re.MULTILINE)
    if not row:
        raise ValueError(f"infra/data-model.md has no operation {name}")
    return float(row[1]), float(row[2])


def table(prices: Prices, rows: list[tuple[str, Usage]]) -> str:
    """Rows in Markdown, in won, with their sums."""
    lines = ["| | " + " | ".join(COLUMNS) + " | won |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name, usage in rows:
        won = prices.won(usage)
        lines.append(f"| {name} | " + " | ".join(f"{won[column]:.1f}" for column in COLUMNS) + f" | {sum(won.values()):.1f} |")
    return "\n".join(lines)
