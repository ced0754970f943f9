"""What infra/aws.md says of its tests is true. `make check` runs it."""

import re
import unittest

from built import ROOT


class Aws(unittest.TestCase):
    def test_every_test_that_stands_in_for_aws_exists(self) -> None:
        named = re.findall(r"`((?:test_)?\w+_\w+_\w+_\w+)`", (ROOT / "infra/aws.md").read_text())
        self.assertGreater(len(named), 5)
        sources = [*ROOT.glob("infra/**/test_*.py"), *ROOT.glob("tests/streams/test_*.py"),
                   *ROOT.glob("tests/suite/*.rs"), *ROOT.glob("shared/*/src/**/*.rs")]
        there = {name for path in sources for name in re.findall(r"(?:def|fn) (\w+)", path.read_text())}
        self.assertEqual(set(named) - there, set())


if __name__ == "__main__":
    unittest.main()
