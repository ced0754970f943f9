"""What the gateway answers itself. `make check` runs it."""

import json
import unittest

import yaml

from front import Front
from templates import ROOT


class Gateway(unittest.TestCase):
    front = Front("http://127.0.0.1:1", yaml.safe_load((ROOT / "infra/api.yaml").read_text()))

    def test_every_refusal_of_its_own_is_a_problem_document(self) -> None:
        for kind in ("MISSING_AUTHENTICATION_TOKEN", "REQUEST_TOO_LARGE", "INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE"):
            answer = self.front.refuse(kind)
            problem = json.loads(answer.body)
            self.assertEqual(answer.content_type, "application/problem+json")
            self.assertEqual(problem["status"], answer.status)
            self.assertEqual(len(problem["requestId"]), 36)


if __name__ == "__main__":
    unittest.main()
