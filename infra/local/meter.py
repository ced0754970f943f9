"""Writes down what the functions' calls are billed by, while somebody counts: `tests/cost.py` prices it.

    POST /_meter      from now on
    DELETE /_meter    ->  [{"function": …, "service": …, "operation": …, "reads": …, "writes": …, "entries": …}, …]

DynamoDB is asked to say of each call what it consumed, index by index. The local one says nothing of a batch read: that is counted as
documented, each item for itself.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from calls import Request

MEASURED = {
    "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "TransactGetItems",
}
READS = {"GetItem", "BatchGetItem", "Query", "TransactGetItems"}


@dataclass
class Meter:
    counting: bool = False
    calls: list[dict[str, Any]] = field(default_factory=list)

    def asking(self, service: str, operation: str, request: Request) -> Request:
        """The same request, with the question what it consumes."""
        if not self.counting or service != "dynamodb" or operation not in MEASURED:
            return request
        return request._replace(body=json.dumps(json.loads(request.body) | {"ReturnConsumedCapacity": "INDEXES"}).encode())

    def note(self, function: str | None, service: str, operation: str, asked: bytes, answer: bytes) -> None:
        if not self.counting or not service:
            return
        call: dict[str, Any] = {"function": function, "service": service, "operation": operation, "reads": 0.0, "writes": {}}
        # One thing of a call that takes several; what is signed in an address has no body that could be read.
        call["entries"] = 1
        if service == "dynamodb" and operation in MEASURED:
            given, told = json.loads(asked), json.loads(answer or b"{}")
            if operation == "BatchGetItem":
                call["reads"] = batch_units(given["RequestItems"], told.get("Responses", {}))
            elif operation in READS:
                call["reads"] = sum(units(told).values())
            else:
                call["writes"] = units(told)
        elif operation in ("PutEvents", "SendMessageBatch"):
            call["entries"] = len(json.loads(asked)["Entries"])
        self.calls.append(call)


def units(told: dict[str, Any]) -> dict[str, float]:
    """The units that a call consumed, by table (without its stage) and, as `table.index`, by index."""
    consumed = told.get("ConsumedCapacity", [])
    by_name: dict[str, float] = {}
    for of_table in consumed if isinstance(consumed, list) else [consumed]:
        table = of_table["TableName"].rpartition("-")[2]
        indexes = {name: index["CapacityUnits"] for name, index in of_table.get("GlobalSecondaryIndexes", {}).items()}
        parts = {table: of_table["CapacityUnits"] - sum(indexes.values())} | {f"{table}.{name}": n for name, n in indexes.items()}
        for name, number in parts.items():
            by_name[name] = by_name.get(name, 0.0) + number
    return by_name


def batch_units(asked: dict[str, Any], found: dict[str, Any]) -> float:
    """A unit for each 4 KB of an item, half of one if the read may be a second old; what is not there counts as small."""
    total = 0.0
    for table, wanted in asked.items():
        items = found.get(table, [])
        each = 1.0 if wanted.get("ConsistentRead") else 0.5
        total += each * (sum(-(-size(item) // 4096) for item in items) + len(wanted["Keys"]) - len(items))
    return total


def size(item: dict[str, Any]) -> int:
    """How large an item is, as DynamoDB counts it."""
    def of(value: dict[str, Any]) -> int:
        [(kind, inside)] = value.items()
        match kind:
            case "S":
                return len(inside.encode())
            case "N":
                return len(inside) // 2 + 2
            case "L":
                return 3 + sum(1 + of(each) for each in inside)
            case "M":
                return 3 + len(inside) + size(inside)
            case _:
                return 1
    return sum(len(name.encode()) + of(value) for name, value in item.items())
