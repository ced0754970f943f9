"""What the meter counts of a call. `make check` runs it."""

import json
import unittest
from typing import Any

from calls import Request
from meter import Meter, batch_units, size, units

KEY = {"pk": {"S": "A"}, "sk": {"S": "B"}}


def asked(body: dict[str, Any]) -> Request:
    return Request("POST", "/", {}, json.dumps(body).encode())


class Counting(unittest.TestCase):
    def test_nobody_is_asked_or_noted_until_somebody_counts(self) -> None:
        meter, request = Meter(), asked({"Key": KEY})
        self.assertIs(meter.asking("dynamodb", "GetItem", request), request)
        meter.note("f", "dynamodb", "GetItem", request.body, b"{}")
        self.assertEqual(meter.calls, [])

    def test_dynamodb_is_asked_what_a_call_consumes_and_nobody_else(self) -> None:
        meter = Meter(counting=True)
        self.assertIn(b"INDEXES", meter.asking("dynamodb", "PutItem", asked({})).body)
        for service, operation in [("dynamodb", "DescribeEndpoints"), ("sqs", "SendMessage")]:
            self.assertEqual(meter.asking(service, operation, asked({})), asked({}))

    def test_the_entries_of_one_call_are_counted_each(self) -> None:
        meter = Meter(counting=True)
        meter.note("f", "events", "PutEvents", json.dumps({"Entries": [{}, {}, {}]}).encode(), b"{}")
        self.assertEqual((meter.calls[0]["entries"], meter.calls[0]["writes"]), (3, {}))

    def test_an_index_is_told_apart_from_its_table(self) -> None:
        told = {"ConsumedCapacity": [
            {"TableName": "local-sales", "CapacityUnits": 9.0, "GlobalSecondaryIndexes": {"due": {"CapacityUnits": 2.0}}},
            {"TableName": "local-inbox", "CapacityUnits": 1.0}]}
        self.assertEqual(units(told), {"sales": 7.0, "sales.due": 2.0, "inbox": 1.0})


class BatchReads(unittest.TestCase):
    def test_each_item_is_rounded_up_for_itself(self) -> None:
        large = KEY | {"text": {"S": "x" * 4096}}
        wanted = {"t": {"Keys": [KEY, KEY], "ConsistentRead": True}}
        self.assertEqual(batch_units(wanted, {"t": [KEY, large]}), 3.0)

    def test_what_may_be_a_second_old_costs_half_and_what_is_not_there_is_paid_for(self) -> None:
        self.assertEqual(batch_units({"t": {"Keys": [KEY, KEY]}}, {"t": [KEY]}), 1.0)

    def test_hangul_is_as_long_as_its_bytes(self) -> None:
        self.assertEqual(size({"a": {"S": "별빛"}}), 7)
        self.assertEqual(size({"a": {"M": {"b": {"N": "100"}}}}), 1 + 3 + 1 + 1 + 3)


if __name__ == "__main__":
    unittest.main()
