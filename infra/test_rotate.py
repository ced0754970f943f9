"""How keys go from one to the next."""

import json
import unittest
from typing import Any
from unittest import mock

import rotate
from rotate import keys


class Cloud:
    """Secrets and parameters, as far as keys want them."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.parameters: dict[str, str] = {}

    def client(self, *_: Any, **__: Any) -> Any:
        return self

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
        return {"SecretString": self.secrets.get(SecretId, "")}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:  # noqa: N803
        self.secrets[SecretId] = SecretString

    def put_parameter(self, Name: str, Value: str, **_: Any) -> None:  # noqa: N803
        self.parameters[Name] = Value


class Rotation(unittest.TestCase):
    def setUp(self) -> None:
        self.cloud = Cloud()
        keys.ensure(self.cloud, "staging", {})

    def rotate(self, what: str, step: str) -> None:
        with mock.patch("sys.argv", ["rotate.py", "staging", what, step]), \
                mock.patch.object(rotate.boto3, "client", self.cloud.client), mock.patch("builtins.print"):
            rotate.main()
        keys.ensure(self.cloud, "staging", {})  # as `make deploy` does

    def held(self, what: str) -> dict[str, Any]:
        return json.loads(self.cloud.secrets[f"staging/{what}"])

    def published(self, what: str) -> list[str]:
        return [key["kid"] for key in json.loads(self.cloud.parameters[f"/staging/{what}-public-keys"])["keys"]]

    def test_a_key_is_published_before_it_signs(self) -> None:
        for what in "jwt", "ticket":
            with self.subTest(what):
                self.rotate(what, "next")
                coming = self.held(what)["next"]["kid"]
                self.assertIn(coming, self.published(what))
                self.rotate(what, "use")
                self.assertEqual(self.held(what)["current"]["kid"], coming)

    def test_what_signed_tickets_stays_published_without_its_private_half(self) -> None:
        signed = []
        for _ in range(3):
            signed.append(self.held("ticket")["current"]["kid"])
            self.rotate("ticket", "next")
            self.rotate("ticket", "use")
        self.assertLess(set(signed), set(self.published("ticket")))
        self.assertEqual([sorted(key) for key in self.held("ticket")["previous"]], [["alg", "crv", "kid", "kty", "use", "x"]] * 3)
        self.rotate("ticket", "forget")
        self.assertEqual(set(signed) - set(self.published("ticket")), {signed[0]}, "the oldest goes first")

    def test_twenty_years_of_ticket_keys_fit_into_a_function_s_variables(self) -> None:
        # All of them together have 4 KB, as a parameter has.
        for _ in range(20):
            self.rotate("ticket", "next")
            self.rotate("ticket", "use")
        self.assertLessEqual(len(self.cloud.parameters["/staging/ticket-public-keys"]), 3_000)

    def test_a_step_out_of_turn_changes_nothing(self) -> None:
        for what in "jwt", "ticket", "cursor":
            before = self.held(what)
            for step in "use", "forget":
                with self.subTest(f"{what} {step}"), self.assertRaises(SystemExit):
                    self.rotate(what, step)
            self.assertEqual(self.held(what), before)


if __name__ == "__main__":
    unittest.main()
