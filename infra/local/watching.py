"""What watching one stage costs in CloudWatch each month, counted from the code and the templates: watching.py [folder]

A metric is billed in each hour in which it has a value. So those are counted that have one whenever a function runs; what is
counted only when something is wrong costs cents, and is left out.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from templates import ROOT, Template, load, of_type

METRIC, ALARM = 0.30, 0.10  # USD a month, of the first ten thousand
OF_A_METHOD = 5  # Count, 4XXError, 5XXError, Latency, IntegrationLatency
# How many functions there will be.
FUNCTIONS = 110


class Cost(NamedTuple):
    what: str
    count: int
    price: float
    read: bool
    by_function: bool

    def at(self, times: float) -> float:
        return self.count * self.price * (times if self.by_function else 1)


def costs(folder: Path) -> Iterator[Cost]:
    templates = [load(path) for path in sorted(folder.glob("functions/*/template.yaml"))]
    root = load(folder / "template.yaml")
    operations = [operation for path in folder.glob("functions/*/openapi.json")
                  for item in json.loads(path.read_text())["paths"].values() for operation in item.values()]

    settings = root["Resources"]["Api"]["Properties"]["MethodSettings"]
    measured = len(operations) * OF_A_METHOD if any(it["MetricsEnabled"] for it in settings) else 0
    yield Cost("metrics of the gateway's methods", measured, METRIC, False, True)

    # Alone, and with each code; of the codes that a route answers, at least one for each status.
    with_codes = sum(1 + sum(status < "500" for status in operation["responses"]) for operation in operations)
    yield Cost("metrics of functions that are well", with_codes * len(always(folder)), METRIC, False, True)

    filters = sum(len(of_type(template, "AWS::Logs::MetricFilter")) for template in templates)
    yield Cost("metrics of log groups, which alarms read", filters, METRIC, True, False)
    yield Cost("alarms", alarms(root, *templates), ALARM, True, True)
    yield Cost("alarms of tables and their indexes", alarms(load(folder / "functions/template.yaml")), ALARM, True, False)


def alarms(*templates: Template) -> int:
    """How many are paid for: of one that adds metrics up, each of them."""
    found = [alarm["Properties"] for template in templates for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()]
    return sum(sum("MetricStat" in metric for metric in alarm.get("Metrics", [])) or 1 for alarm in found)


def always(folder: Path) -> set[str]:
    """The metrics that the code counts also when nothing is wrong."""
    found = set()
    for path in [*folder.glob("shared/*/src/**/*.rs"), *folder.glob("functions/*/src/**/*.rs")]:
        code = path.read_text().split("#[cfg(test)]\nmod tests {")[0]
        found |= set(re.findall(r'(?:info|debug|trace)!\([^;!]*?metric = "(\w+)"', code))
        # As it was said once: by itself, beside the line.
        found |= set(re.findall(r'telemetry::metric\("(Duration)"', code))
    return found


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    times = FUNCTIONS / sum(1 for _ in folder.glob("functions/*/src/bin/*.rs"))
    print(f"{'':50}{'now':>6}{'USD':>8}{f'USD, {FUNCTIONS} functions':>22}")
    for cost in costs(folder):
        print(f"{cost.what:50}{cost.count:6}{cost.at(1):8.2f}{cost.at(times):22.2f}")


if __name__ == "__main__":
    main()
