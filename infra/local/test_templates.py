"""What must be true of the templates, whoever wrote them. `make check` runs it."""

import copy
import json
import logging
import os
import unittest
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import yaml

from deploy import REGION, expand
from templates import ROOT, Template, functions, load, of_type, references, stamp, without

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
        for name, template in expanded().items():
            with self.subTest(name):
                self.assertLess(len(template["Resources"]), RESOURCES)


@cache
def expanded() -> dict[str, Template]:
    """Every template as CloudFormation gets it, by its path."""
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    templates = {}
    for path in [ROOT / "template.yaml", *ROOT.glob("functions/**/template.yaml")]:
        template = load(path)
        for function in functions(template).values():
            function["Properties"]["CodeUri"] = {"Bucket": "any", "Key": "any"}
        for part in of_type(template, "AWS::Serverless::Application").values():
            part["Properties"]["Location"] = "https://any.example/part.json"
        for api in of_type(template, "AWS::Serverless::Api").values():
            api["Properties"]["DefinitionBody"] = yaml.safe_load((ROOT / "infra/api.yaml").read_text())
        templates[str(path.relative_to(ROOT))] = expand(template)
    return templates


class Reader(NamedTuple):
    """A function that reads a stream or a queue."""

    function: str
    mapping: Template
    template: Template

    @property
    def source(self) -> Template:
        """The queue, and nothing for a stream, which another template has."""
        resources, [name] = self.template["Resources"], set(references(self.mapping["EventSourceArn"]))
        return resources.get(name, {"Type": "AWS::DynamoDB::Table"})

    def alarm(self, metric: str, of: str) -> Template:
        """What rings on a metric of a resource, to the topic that people hear."""
        alarms = (alarm["Properties"] for alarm in of_type(self.template, "AWS::CloudWatch::Alarm").values())
        [found] = (it for it in alarms if it["MetricName"] == metric and of in references(it["Dimensions"]) and it["AlarmActions"])
        return found


def readers(kind: str) -> Iterator[Reader]:
    for template in expanded().values():
        for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
            [alias] = references(mapping["Properties"]["FunctionName"])
            [function] = references(template["Resources"][alias]["Properties"]["FunctionName"])
            reader = Reader(function, mapping["Properties"], template)
            if reader.source["Type"] == kind:
                yield reader


class Rules(unittest.TestCase):
    """What every template must say, whoever wrote it."""

    def test_a_reader_that_falls_behind_its_stream_rings_after_five_minutes(self) -> None:
        for reader in readers("AWS::DynamoDB::Table"):
            with self.subTest(reader.function):
                alarm = reader.alarm("IteratorAge", reader.function)
                self.assertEqual(alarm["Namespace"], "AWS/Lambda")
                self.assertLessEqual(alarm["Threshold"], 5 * 60 * 1000)
                self.assertLessEqual(alarm["Period"] * alarm["EvaluationPeriods"], 60)

    def test_one_bad_record_does_not_take_its_batch_with_it_and_is_given_up_in_the_end(self) -> None:
        for reader in readers("AWS::DynamoDB::Table"):
            with self.subTest(reader.function):
                self.assertTrue(reader.mapping["BisectBatchOnFunctionError"])
                self.assertEqual(reader.mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
                limits = [reader.mapping.get(limit, -1) for limit in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds")]
                self.assertGreater(max(limits), 0, "it is tried for ever")
                if reader.function.startswith("Relay"):
                    self.assertGreater(limits[0], 0, "a relay's tries are counted")
                self.assertLess(limits[1], 24 * 60 * 60, "the stream forgets it before the failures' queue hears of it")
                [failures] = references(reader.mapping["DestinationConfig"]["OnFailure"]["Destination"])
                self.assertEqual(reader.alarm("ApproximateNumberOfMessagesVisible", failures)["Threshold"], 0)

    def test_a_message_is_read_again_only_after_its_function_has_ended(self) -> None:
        for reader in readers("AWS::SQS::Queue"):
            with self.subTest(reader.function):
                limit = reader.template["Resources"][reader.function]["Properties"]["Timeout"]
                self.assertGreaterEqual(reader.source["Properties"]["VisibilityTimeout"], 6 * limit)
                self.assertGreaterEqual(reader.mapping["ScalingConfig"]["MaximumConcurrency"], 2)
                self.assertEqual(reader.mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])

    def test_a_message_that_fails_five_times_waits_where_somebody_hears_of_it(self) -> None:
        for reader in readers("AWS::SQS::Queue"):
            with self.subTest(reader.function):
                redrive = reader.source["Properties"]["RedrivePolicy"]
                self.assertGreaterEqual(redrive["maxReceiveCount"], 5)
                [dead] = references(redrive["deadLetterTargetArn"])
                self.assertEqual(reader.alarm("ApproximateNumberOfMessagesVisible", dead)["Threshold"], 0)
                self.assertEqual(reader.template["Resources"][dead]["Properties"]["MessageRetentionPeriod"], 14 * 24 * 60 * 60)

    def test_the_readers_are_found(self) -> None:
        self.assertGreaterEqual(len(list(readers("AWS::DynamoDB::Table"))), 3)
        self.assertGreaterEqual(len(list(readers("AWS::SQS::Queue"))), 2)

    def test_no_role_has_a_policy_of_aws_or_may_touch_everything(self) -> None:
        for path, template in expanded().items():
            for name, function in of_type(template, "AWS::Lambda::Function").items():
                [role] = references(function["Properties"]["Role"])
                role = template["Resources"][role]["Properties"]
                with self.subTest(f"{path}: {name}"):
                    self.assertNotIn("ManagedPolicyArns", role)
                    statements = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
                    anything = [action for s in statements if s["Resource"] == "*" for action in s["Action"]]
                    self.assertLessEqual(set(anything), {"xray:PutTelemetryRecords", "xray:PutTraceSegments"})

    def test_the_dashboard_is_one(self) -> None:
        [dashboard] = of_type(expanded()["functions/template.yaml"], "AWS::CloudWatch::Dashboard").values()
        self.assertTrue(json.loads(dashboard["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"])


if __name__ == "__main__":
    unittest.main()
