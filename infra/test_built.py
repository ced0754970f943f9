"""What the deploy workflow builds anew and what not, and what its buttons do. `make check` runs it."""

import re
import tomllib
import unittest

import yaml

from built import ROOT, functions, inputs, parts


class Inputs(unittest.TestCase):
    def test_a_part_is_built_of_itself_and_of_the_crates_it_needs_in_the_end(self) -> None:
        of_tickets = inputs("tickets")
        self.assertIn(ROOT / "functions/tickets/src/bin/list_my_tickets.rs", of_tickets)
        self.assertIn(ROOT / "shared/aws/src/lib.rs", of_tickets, "by the store alone")
        self.assertIn(ROOT / "Cargo.lock", of_tickets)

    def test_no_other_part_and_no_permission_makes_it_be_built_again(self) -> None:
        others = {ROOT / "functions" / other for other in parts()} - {ROOT / "functions/tickets"}
        for file in inputs("tickets"):
            self.assertFalse(others & set(file.parents), file)
            self.assertNotEqual(file.suffix, ".yaml")

    def test_a_file_that_a_source_takes_in_is_one_of_them(self) -> None:
        self.assertIn(ROOT / "functions/tickets/openapi.json", inputs("operations"))
        self.assertIn(ROOT / "functions/operations/build.rs", inputs("operations"))
        self.assertIn(ROOT / "infra/search/events.json", inputs("catalog"))
        self.assertIn(ROOT / "functions/payments/templates/return.html", inputs("payments"))

    def test_every_part_has_functions(self) -> None:
        self.assertEqual([part for part in parts() if not functions(part)], [])


class Buttons(unittest.TestCase):
    def test_each_says_what_make_can_do_to_a_stage_that_there_is(self) -> None:
        # `on` is a yes to YAML.
        asked = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())[True]["workflow_dispatch"]["inputs"]
        makefile = (ROOT / "Makefile").read_text()
        targets = re.search(r"\.PHONY: (.*)", makefile)[1].split()
        for release in asked["release"]["options"]:
            target, *variables = release.split()
            self.assertIn(target, targets)
            for variable in variables:
                self.assertIn(f"$({variable.partition('=')[0]})", makefile.replace("$(if $(", "$("), release)
        self.assertLessEqual(set(asked["stage"]["options"]), set(tomllib.loads((ROOT / "samconfig.toml").read_text())))


if __name__ == "__main__":
    unittest.main()
