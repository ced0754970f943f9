"""The local cloud's own rules. `make check` runs them."""

import copy
import json
import logging
import os
import unittest

import yaml

from deploy import REGION, expand
from front import Front
from recorder import permissions
from templates import ROOT, functions, load, of_type, stamp, without

# CloudFormation stops at 500; what is above this must be split before it is needed.
RESOURCES = 450

PART = {
    "Globals": {"Function": {"DeploymentPreference": {"Type": {"Ref": "Canary"}}}},
    "Resources": {
        "Sell": {"Type": "AWS::Serverless::Function", "Properties": {
            "CodeUri": "../../target/lambda/sell/", "Environment": {"Variables": {"URL": {"Fn::Sub": "${Url}/x"}}}}},
        "Read": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "../../target/lambda/read/"}},
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Name": {"Ref": "Sell"}}, "DependsOn": "Read"},
    },
}


def hashes(values: dict[str, str], code: str = "1") -> dict[str, str]:
    part = copy.deepcopy(PART)
    stamp(part, values, lambda _: code)
    return {name: f["Properties"]["AutoPublishCodeSha256"] for name, f in functions(part).items()}


class Versions(unittest.TestCase):
    before = {"Url": "a", "Canary": "slow", "Other": "1"}

    def changed(self, **values: str) -> set[str]:
        before, after = hashes(self.before), hashes(self.before | values)
        return {name for name in before if before[name] != after[name]}

    def test_a_new_value_publishes_just_the_functions_that_mention_it(self) -> None:
        self.assertEqual(self.changed(Url="b"), {"sell"})
        self.assertEqual(self.changed(Other="2"), set())

    def test_how_a_version_takes_over_is_no_part_of_it(self) -> None:
        self.assertEqual(self.changed(Canary="fast"), set())

    def test_new_code_is_a_new_version(self) -> None:
        self.assertFalse(set(hashes(self.before).values()) & set(hashes(self.before, "2").values()))


class Templates(unittest.TestCase):
    def test_what_cannot_be_without_a_resource_goes_with_it(self) -> None:
        part = copy.deepcopy(PART)
        without(part, {"Sell"})
        self.assertEqual(set(part["Resources"]), {"Read"})

    def test_no_stack_comes_near_the_limit_of_resources(self) -> None:
        logging.getLogger("samtranslator").setLevel(logging.ERROR)
        os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
        for path in [ROOT / "template.yaml", *ROOT.glob("functions/*/template.yaml")]:
            template = load(path)
            for function in functions(template).values():
                function["Properties"]["CodeUri"] = {"Bucket": "any", "Key": "any"}
            for part in of_type(template, "AWS::Serverless::Application").values():
                part["Properties"]["Location"] = "https://any.example/part.json"
            for api in of_type(template, "AWS::Serverless::Api").values():
                api["Properties"]["DefinitionBody"] = yaml.safe_load((ROOT / "infra/api.yaml").read_text())
            with self.subTest(path.relative_to(ROOT)):
                self.assertLess(len(expand(template)["Resources"]), RESOURCES)


class Recorder(unittest.TestCase):
    def test_a_transaction_needs_what_its_parts_need(self) -> None:
        body = {"TransactItems": [{"Put": {"TableName": "a"}}, {"ConditionCheck": {"TableName": "b"}}]}
        needed = set(permissions("DynamoDB_20120810.TransactWriteItems", body))
        self.assertEqual(needed, {("dynamodb:PutItem", "table/a"), ("dynamodb:ConditionCheckItem", "table/b")})

    def test_an_index_is_a_resource_of_its_own(self) -> None:
        needed = list(permissions("DynamoDB_20120810.Query", {"TableName": "a", "IndexName": "due"}))
        self.assertEqual(needed, [("dynamodb:Query", "table/a/index/due")])


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
