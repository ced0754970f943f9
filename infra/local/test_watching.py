"""What nobody reads is not paid for. `make check` runs it."""

import unittest

from templates import ROOT
from watching import FUNCTIONS, always, costs


class Watching(unittest.TestCase):
    def test_what_nobody_reads_costs_at_most_30_usd_a_month_with_all_functions_there_will_be(self) -> None:
        times = FUNCTIONS / sum(1 for _ in ROOT.glob("functions/*/src/bin/*.rs"))
        self.assertLessEqual(sum(cost.at(times) for cost in costs(ROOT) if not cost.read), 30)

    def test_a_function_that_is_well_counts_nothing(self) -> None:
        self.assertEqual(always(ROOT), set())


if __name__ == "__main__":
    unittest.main()
