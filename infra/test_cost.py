"""The arithmetic of `make cost`. `make check` runs it."""

import tomllib
import unittest
from dataclasses import fields
from typing import Any

from cost import COLUMNS, HERE, Prices, Usage, operation, table

PRICES = Prices.read()


def call(service: str, name: str, **more: Any) -> dict[str, Any]:
    return {"service": service, "operation": name, "reads": 0.0, "writes": {}, "entries": 1} | more


class Arithmetic(unittest.TestCase):
    def test_a_million_of_something_costs_its_price_in_won(self) -> None:
        won = PRICES.won(Usage(sqs_requests=1e6))
        self.assertAlmostEqual(won["SQS"], 0.40 * PRICES.rate)
        self.assertAlmostEqual(sum(won.values()), won["SQS"])

    def test_what_has_a_price_is_in_one_column_and_one_alone(self) -> None:
        priced = [name for names in COLUMNS.values() for name in names]
        self.assertEqual(sorted(priced), sorted(field.name for field in fields(Usage)))

    def test_a_call_is_paid_for_in_its_units_and_in_the_time_that_its_function_waits(self) -> None:
        calls = [call("dynamodb", "BatchGetItem", reads=5.5),
                 call("dynamodb", "TransactWriteItems", writes={"sales": 14.0, "sales.due": 1.0})]
        used, a = PRICES.running(calls, runs=1), PRICES.assumed
        self.assertEqual((used.dynamodb_reads, used.dynamodb_writes, used.lambda_requests), (5.5, 15.0, 1))
        waited = a["own_milliseconds"] + a["dynamodb_milliseconds"] + a["transaction_milliseconds"]
        self.assertAlmostEqual(used.lambda_gb_seconds, waited / 1000 * a["memory_gigabytes"])

    def test_waiting_for_kakaopay_is_paid_for(self) -> None:
        waits = PRICES.running([], 1, kakaopay=2).lambda_gb_seconds - PRICES.running([], 1).lambda_gb_seconds
        self.assertAlmostEqual(waits, 2 * 0.3 * 0.25)

    def test_an_event_is_an_entry_and_a_batch_of_messages_one_request(self) -> None:
        used = PRICES.running([call("events", "PutEvents", entries=3), call("sqs", "SendMessageBatch", entries=3)], runs=1)
        self.assertEqual((used.events, used.sqs_requests), (3, 1))

    def test_what_is_done_again_is_a_share_of_all_but_the_mails(self) -> None:
        again = PRICES.again(Usage(dynamodb_writes=100, mails=100))
        self.assertEqual((again.dynamodb_writes, again.mails), (PRICES.assumed["retries_percent"], 0))

    def test_what_runs_each_minute_is_shared_by_all_purchases_of_a_month(self) -> None:
        month = PRICES.timers(PRICES.assumed["purchases_a_month"])
        self.assertEqual(month.lambda_requests, 2 * 30 * 24 * 60)
        self.assertAlmostEqual(PRICES.timers(1_000).lambda_requests * 100, month.lambda_requests)

    def test_units_come_from_the_table_that_the_tests_check(self) -> None:
        self.assertEqual(operation("hold"), (6.5, 15.0))
        with self.assertRaises(ValueError):
            operation("nothing of the kind")

    def test_a_row_is_summed(self) -> None:
        line = table(PRICES, [("x", Usage(mails=1_000, events=1e6))]).splitlines()[-1]
        self.assertTrue(line.endswith(f"| {1_000 * 100 / 1e6 * PRICES.rate + PRICES.rate:.1f} |"), line)


class Known(unittest.TestCase):
    def test_every_price_says_its_page_and_how_it_is_known(self) -> None:
        given = tomllib.loads((HERE / "prices.toml").read_text())
        for field in fields(Usage):
            self.assertLess({"dollars_per_million"}, given[field.name].keys())
            self.assertEqual(given[field.name].keys(), {"dollars_per_million", "page", "known"}, field.name)


if __name__ == "__main__":
    unittest.main()
