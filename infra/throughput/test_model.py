"""The arithmetic of the model of a sale. `make check` runs it."""

import unittest

from model import LIMITS, Patience, Stock, closed, compare, done_of, most, numbers_of, per_order, report, rush, units_of_order
from plot import Line, bars, plot

EAGER = Patience(longest=0.08)
ALONE = {"shards": 1, "serviceMs": 50, "clients": 1, "seconds": 60, "aloneOrderMs": 200, "aloneReturnMs": 100, "callMs": 0, "returned": 0.0}


class Shards(unittest.TestCase):
    def test_who_meets_nobody_takes_one_attempt_and_the_service_time(self) -> None:
        stock, told = Stock(1, 0.05, Patience(call=0.0), 1), []
        stock.transact(0, lambda ok: told.append((ok, stock.now)))
        stock.run(1)
        self.assertEqual((told, stock.attempts), ([(True, 0.05)], 1))

    def test_who_meets_another_comes_again_and_has_the_shard_after_it(self) -> None:
        stock, told = Stock(1, 0.05, Patience(call=0.0), 1), []
        for _ in range(2):
            stock.transact(0, lambda ok: told.append(stock.now))
        stock.run(2)
        self.assertEqual(told[0], 0.05)
        self.assertGreaterEqual(told[1], 0.1)
        self.assertGreater(stock.attempts, 2)

    def test_two_shards_are_in_nobodys_way(self) -> None:
        stock, told = Stock(2, 0.05, Patience(call=0.0), 1), []
        for shard in range(2):
            stock.transact(shard, lambda ok: told.append(stock.now))
        stock.run(1)
        self.assertEqual(told, [0.05, 0.05])

    def test_patience_ends(self) -> None:
        stock, told = Stock(1, 100.0, Patience(call=0.0), 1), []
        for _ in range(2):
            stock.transact(0, told.append)
        stock.run(50)
        self.assertEqual(told, [False])
        self.assertLessEqual(stock.now, 8.0)

    def test_a_shard_never_takes_more_than_one_transaction_a_service_time(self) -> None:
        rate, attempts = most(0.02)
        self.assertTrue(20 < rate < 50, rate)
        self.assertGreater(attempts, 1)
        self.assertGreater(most(0.02, EAGER)[0], rate, "who comes again sooner leaves it idle for less")

    def test_too_many_at_a_shard_are_told_to_come_again(self) -> None:
        self.assertEqual(done_of(5, 0.01, Patience(), 1)[0], 0)
        self.assertGreater(done_of(200, 0.01, Patience(), 1)[0], 0.1)


class Orders(unittest.TestCase):
    def test_returns_come_on_the_same_shards(self) -> None:
        self.assertEqual(per_order({"expired_percent": 0, "refunded_percent": 0}), 2)
        self.assertAlmostEqual(per_order({"expired_percent": 50, "refunded_percent": 10}), 4.1)

    def test_units_of_what_expires_and_is_refunded_are_paid_by_what_is_bought(self) -> None:
        units = {"bought": {"t": 10}, "expired": {"t": 6}, "refunded": {"t": 4}}
        self.assertEqual(units_of_order("t", {"expired_percent": 50, "refunded_percent": 50}, units), 10 + 6 + 2)
        self.assertEqual(units_of_order("nowhere", LIMITS["sale"], units), 0)

    def test_one_buyer_alone_takes_what_it_took_alone(self) -> None:
        self.assertAlmostEqual(closed(ALONE, Patience(call=0.0)), 300, delta=1)

    def test_one_shard_carries_no_more_buyers_than_transactions(self) -> None:
        crowd = closed(ALONE | {"clients": 40}, Patience(call=0.0))
        self.assertTrue(300 < crowd < 600, crowd)
        self.assertGreater(closed(ALONE | {"clients": 40, "shards": 10}, Patience(call=0.0)), 3 * crowd)

    def test_what_is_given_back_takes_a_transaction_more(self) -> None:
        crowd = ALONE | {"clients": 40}
        fewer = closed(crowd | {"returned": 1.0}, Patience(call=0.0))
        self.assertAlmostEqual(fewer / closed(crowd, Patience(call=0.0)), 2 / 3, delta=0.1)


class Queue(unittest.TestCase):
    def test_no_minute_lets_in_more_than_the_pace_and_nobody_is_passed_by_while_the_item_is_not_full(self) -> None:
        crowd = rush(numbers_of(3_000, 10), 600)
        self.assertEqual(crowd.most_in_a_minute, 600)
        self.assertEqual(crowd.moments, sorted(crowd.moments))
        self.assertEqual(crowd.passed_by, 0)
        self.assertAlmostEqual(crowd.longest_wait, 290, delta=5)

    def test_who_comes_alone_is_in_and_asks_nothing(self) -> None:
        alone = rush(numbers_of(1, 10), 600)
        self.assertEqual((alone.polls, alone.longest_wait), (0, 0))

    def test_one_item_gives_a_thousand_numbers_a_second_and_who_comes_again_is_passed_by(self) -> None:
        crowd = rush(numbers_of(5_000, 1), 6_000)
        self.assertTrue(4 < crowd.all_served_after < 7, crowd.all_served_after)
        self.assertTrue(0 < crowd.passed_by < 1, crowd.passed_by)


class Report(unittest.TestCase):
    def test_a_model_that_is_off_by_more_than_a_fifth_says_so(self) -> None:
        right = ALONE | {"ordersPerMinute": 300}
        self.assertAlmostEqual(compare([right])[0][2], 0, delta=0.01)
        for runs, near in [([right], True), ([right, ALONE | {"ordersPerMinute": 200}], False), ([], False)]:
            text, told = report(runs, [], [])
            self.assertEqual((told, "NO." in text), (near, not near))

    def test_plots_show_what_they_are_given(self) -> None:
        drawn = plot("<title>", "across", [Line("a", [(5, 100), (50, 10_000)])])
        self.assertIn("&lt;title&gt;", drawn)
        self.assertIn("10,000", drawn)
        self.assertEqual(bars("t", [("x", 10.0), ("y", 20.0)], bar=30).count("<rect x="), 2)


if __name__ == "__main__":
    unittest.main()
