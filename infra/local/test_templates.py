"""What must be true of the templates, whoever wrote them. `make check` runs it."""

import copy
import json
import logging
import os
import re
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
        [found] = (it for it in alarms if it.get("MetricName") == metric and of in references(it["Dimensions"]) and it["AlarmActions"])
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
                # Nobody knows how fast tries are used up, so an outage is met by time.
                self.assertNotIn("MaximumRetryAttempts", reader.mapping)
                age = reader.mapping["MaximumRecordAgeInSeconds"]
                self.assertTrue(0 < age < 24 * 60 * 60, "the stream forgets it before the failures' queue hears of it")
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

    def test_files_are_kept_in_one_bucket_and_no_role_reaches_all_of_them(self) -> None:
        bucket = load(ROOT / "infra/data.yaml")["Resources"]["Files"]["Properties"]["BucketName"]
        roles = [role["Properties"] for template in expanded().values() for role in of_type(template, "AWS::IAM::Role").values()]
        told = [function["Properties"].get("Environment", {}).get("Variables", {})
                for template in expanded().values() for function in of_type(template, "AWS::Lambda::Function").values()]
        self.assertEqual([it["FILES_BUCKET"] for it in told if it.get("FILES_BUCKET", bucket) != bucket], [])
        statements = [s for role in roles for policy in role.get("Policies", []) for s in policy["PolicyDocument"]["Statement"]]
        of_files = [(action, s["Resource"]["Fn::Sub"]) for s in statements for action in s["Action"] if action.startswith("s3:")]
        self.assertTrue(of_files)
        for action, resource in of_files:
            _, at, key = resource.partition(f"arn:${{AWS::Partition}}:s3:::{bucket['Fn::Sub']}")
            self.assertTrue(at, resource)
            self.assertRegex(key, "/[a-z]+/" if "Object" in action else "^$")

    def test_the_gateway_may_call_the_routes_of_a_part_by_their_names_and_nothing_else(self) -> None:
        routes = {}
        for item in yaml.safe_load((ROOT / "infra/api.yaml").read_text())["paths"].values():
            for method in item.values():
                integration = method["x-amazon-apigateway-integration"]
                if integration["type"] == "aws_proxy":
                    role = integration["credentials"]["Fn::Sub"].rpartition("/")[2]
                    [name] = re.findall(r":function:(\S+:live)/", integration["uri"]["Fn::Sub"])
                    routes.setdefault(role, set()).add(name)
        allowed = {}
        for template in expanded().values():
            if role := template["Resources"].get("ApiRole"):
                [policy] = role["Properties"]["Policies"]
                [statement] = policy["PolicyDocument"]["Statement"]
                self.assertEqual(statement["Action"], "lambda:InvokeFunction")
                allowed[role["Properties"]["RoleName"]["Fn::Sub"]] = {
                    resource["Fn::Sub"].partition(":function:")[2] for resource in statement["Resource"]}
        self.assertEqual(allowed, routes)
        self.assertFalse([name for names in allowed.values() for name in names if "*" in name])

    def test_a_message_that_waits_beyond_every_delay_rings(self) -> None:
        for reader in readers("AWS::SQS::Queue"):
            with self.subTest(reader.function):
                [queue] = references(reader.mapping["EventSourceArn"])
                alarm = reader.alarm("ApproximateAgeOfOldestMessage", queue)
                self.assertEqual(alarm["TreatMissingData"], "notBreaching")
                self.assertTrue(900 < alarm["Threshold"] <= 3600, "a message may be delayed by 900 seconds")

    def test_what_the_bus_brings_to_a_queue_only_its_rule_may_bring_and_what_can_not_be_delivered_is_kept(self) -> None:
        rules = 0
        for path, template in expanded().items():
            for name, rule in of_type(template, "AWS::Events::Rule").items():
                [target] = rule["Properties"]["Targets"]
                if "EventPattern" not in rule["Properties"] or "functions" not in path:
                    continue
                with self.subTest(name):
                    rules += 1
                    pattern = rule["Properties"]["EventPattern"]
                    if pattern["source"] == ["aws.ses"]:
                        # SES knows the default bus only, which is every stage's.
                        self.assertNotIn("EventBusName", rule["Properties"])
                        self.assertEqual(pattern["detail"]["mail"]["tags"], {"ses:configuration-set": [{"Ref": "Stage"}]})
                    else:
                        self.assertEqual(rule["Properties"]["EventBusName"], {"Ref": "Stage"})
                    queue, dead = (at["Fn::GetAtt"][0] for at in (target["Arn"], target["DeadLetterConfig"]["Arn"]))
                    redrive = template["Resources"][queue]["Properties"]["RedrivePolicy"]
                    self.assertEqual(redrive["deadLetterTargetArn"], {"Fn::GetAtt": [dead, "Arn"]})
                    # As it is: what waits in the dead letters can be brought back, whoever gave it up.
                    self.assertFalse({"Input", "InputPath", "InputTransformer"} & set(target))
                    policies = [policy["Properties"] for policy in of_type(template, "AWS::SQS::QueuePolicy").values()]
                    [policy] = [policy for policy in policies if {"Ref": queue} in policy["Queues"]]
                    self.assertEqual(policy["Queues"], [{"Ref": queue}, {"Ref": dead}])
                    [statement] = policy["PolicyDocument"]["Statement"]
                    self.assertEqual(statement["Principal"], {"Service": "events.amazonaws.com"})
                    self.assertEqual(statement["Resource"], [{"Fn::GetAtt": [it, "Arn"]} for it in (queue, dead)])
                    self.assertEqual(statement["Condition"],
                                     {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}})
        self.assertGreater(rules, 0)

    def test_a_schedule_that_starts_nothing_rings_and_says_why(self) -> None:
        found = 0
        for path, template in expanded().items():
            for schedule in of_type(template, "AWS::Scheduler::Schedule").values():
                [alias] = references(schedule["Properties"]["Target"]["Arn"])
                [function] = references(template["Resources"][alias]["Properties"]["FunctionName"])
                alarm = Reader(function, {}, template).alarm("Invocations", function)
                with self.subTest(f"{path}: {function}"):
                    self.assertEqual((alarm["ComparisonOperator"], alarm["Threshold"]), ("LessThanThreshold", 1))
                    self.assertEqual(alarm["TreatMissingData"], "breaching", "no call at all is no number")
                    [missed] = references(schedule["Properties"]["Target"]["DeadLetterConfig"]["Arn"])
                    self.assertEqual(Reader(function, {}, template).alarm("ApproximateNumberOfMessagesVisible", missed)["Threshold"], 0)
                found += 1
        self.assertGreater(found, 0)

    def test_a_release_is_stopped_by_a_fault_of_the_new_version_and_by_the_parts_alarm_unless_it_is_a_hotfix(self) -> None:
        for path, template in expanded().items():
            for name in of_type(template, "AWS::Lambda::Function"):
                if template["Resources"].get(f"{name}DeploymentGroup") is None:
                    continue
                with self.subTest(f"{path}: {name}"):
                    alarms = template["Resources"][f"{name}DeploymentGroup"]["Properties"]["AlarmConfiguration"]["Fn::If"]
                    usual, hotfix = ([references(it) for it in alarm["Alarms"]] for alarm in alarms[1:])
                    self.assertEqual([*map(list, usual)], [["Errors"], [f"{name}FaultsAlarm"]])
                    self.assertEqual([*map(list, hotfix)], [[f"{name}FaultsAlarm"]])
                    faults = template["Resources"][f"{name}FaultsAlarm"]["Properties"]
                    dimensions = {it["Name"]: it["Value"] for it in faults["Dimensions"]}
                    [version] = references(dimensions["version"])
                    self.assertEqual(template["Resources"][version]["Type"], "AWS::Lambda::Version")
                    self.assertEqual(faults["Threshold"], 0)
                    self.assertNotIn("AlarmActions", faults)

    def test_what_an_error_is_to_the_platform_is_one_to_the_alarm(self) -> None:
        for path, template in expanded().items():
            for log_filter in of_type(template, "AWS::Logs::MetricFilter").values():
                with self.subTest(path):
                    for status in ("error", "failure", "timeout"):
                        self.assertIn(f'$.record.status = "{status}"', log_filter["Properties"]["FilterPattern"])

    def test_every_metric_that_the_code_counts_is_read_by_an_alarm(self) -> None:
        read = {(alarm["Properties"]["Namespace"].get("Fn::Sub"), alarm["Properties"]["MetricName"])
                for template in expanded().values() for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
                if isinstance(alarm["Properties"].get("Namespace"), dict)}
        read = {name for namespace, name in read if namespace == "Spotlight/${Stage}" and not name.endswith("Errors")}
        counted = {name for source in sources() for name in re.findall(r'metric = "(\w+)"', source)}
        self.assertEqual(counted, read)

    def test_a_table_or_an_index_that_turns_calls_away_rings(self) -> None:
        alarms = of_type(expanded()["functions/template.yaml"], "AWS::CloudWatch::Alarm").values()
        heard = set()
        for alarm in (it["Properties"] for it in alarms if "Metrics" in it["Properties"]):
            total, *added = alarm["Metrics"]
            self.assertEqual((total["Expression"], alarm["ComparisonOperator"]), ("SUM(FILL(METRICS(), 0))", "GreaterThanThreshold"))
            self.assertTrue(alarm["AlarmActions"])
            for metric in (it["MetricStat"]["Metric"] for it in added):
                self.assertEqual(metric["Namespace"], "AWS/DynamoDB")
                of = {it["Name"]: it["Value"] for it in metric["Dimensions"]}
                heard.add((of["TableName"]["Fn::Sub"], of.get("GlobalSecondaryIndexName"), metric["MetricName"]))
        there = set()
        for table in of_type(load(ROOT / "infra/data.yaml"), "AWS::DynamoDB::Table").values():
            indexes = [index["IndexName"] for index in table["Properties"].get("GlobalSecondaryIndexes", [])]
            there |= {(table["Properties"]["TableName"]["Fn::Sub"], index, metric)
                      for index in [None, *indexes] for metric in ("ReadThrottleEvents", "WriteThrottleEvents")}
        self.assertEqual(heard, there)

    def test_the_dashboard_is_one(self) -> None:
        [dashboard] = of_type(expanded()["functions/template.yaml"], "AWS::CloudWatch::Dashboard").values()
        self.assertTrue(json.loads(dashboard["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"])



def sources() -> Iterator[str]:
    """What our functions are built of, without its tests."""
    for folder in ("shared", "functions"):
        for path in sorted((ROOT / folder).glob("**/src/**/*.rs")):
            if "tests" not in path.parts and path.stem != "tests":
                yield path.read_text().split("#[cfg(test)]\nmod tests {")[0]


class Root(unittest.TestCase):
    """What the templates say that are written by hand."""

    data = load(ROOT / "infra/data.yaml")["Resources"]
    root = load(ROOT / "template.yaml")["Resources"]

    def alarm(self, metric: str) -> Template:
        [found] = (it["Properties"] for it in of_type({"Resources": self.root}, "AWS::CloudWatch::Alarm").values()
                   if it["Properties"]["MetricName"] == metric)
        return found

    def firewall(self) -> dict[str, Template]:
        rules = self.root["Firewall"]["Properties"]["Rules"]
        rules = [rule["Fn::If"][1] if "Fn::If" in rule else rule for rule in rules]
        self.assertEqual([rule["Priority"] for rule in rules], list(range(len(rules))))
        return {rule["Name"]: rule for rule in rules}

    def test_what_is_kept_is_kept_from_the_moment_the_stack_stands(self) -> None:
        for name, resource in (self.data | self.root).items():
            with self.subTest(name):
                self.assertNotEqual(resource.get("DeletionPolicy"), "Retain", "it would be in the way of the next try")
                if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                    self.assertEqual(resource["UpdateReplacePolicy"], "Retain")
                if resource["Type"] == "AWS::DynamoDB::Table" and name != "Ephemeral":
                    self.assertEqual(resource["DeletionPolicy"], "RetainExceptOnCreate")
                    self.assertEqual(resource["Properties"]["DeletionProtectionEnabled"], {"Ref": "Protected"})

    def test_the_journal_and_the_access_log_outlive_what_runs(self) -> None:
        kept = {it["Properties"]["LogGroupName"]["Fn::Sub"] for it in of_type({"Resources": self.data}, "AWS::Logs::LogGroup").values()}
        self.assertEqual(kept, {"/aws/events/spotlight-${Stage}", "/spotlight/${Stage}/access"})
        writes = json.dumps([self.root["JournalRule"], self.root["Api"]])
        for group in kept:
            self.assertIn(f"log-group:{group}", writes)

    def test_tables_are_encrypted_with_a_key_that_costs_nothing(self) -> None:
        for name, table in of_type({"Resources": self.data}, "AWS::DynamoDB::Table").items():
            self.assertNotIn("SSESpecification", table["Properties"], name)

    def test_another_engine_is_an_upgrade_and_not_another_domain(self) -> None:
        self.assertEqual(self.data["Search"]["UpdatePolicy"], {"EnableVersionUpgrade": True})

    def test_the_search_trusts_nobody_whose_own_policy_does_not_say_so(self) -> None:
        self.assertNotIn("AccessPolicies", self.data["Search"]["Properties"])

    def test_no_stages_names_begin_like_anothers(self) -> None:
        for path in ("infra/data.yaml", "template.yaml"):
            pattern = load(ROOT / path)["Parameters"]["Stage"]["AllowedPattern"]
            self.assertTrue(re.fullmatch(pattern, "staging2"))
            self.assertFalse(re.fullmatch(pattern, "staging-2"))

    def test_no_method_is_measured_for_money(self) -> None:
        settings = self.root["Api"]["Properties"]["MethodSettings"]
        self.assertEqual({setting["MetricsEnabled"] for setting in settings}, {False})

    def test_closed_sales_refuse_every_purchase_and_nothing_else(self) -> None:
        [closed] = [it for it in self.root["Api"]["Properties"]["MethodSettings"] if it["ResourcePath"] != "/*"]
        self.assertEqual((closed["HttpMethod"], closed["ResourcePath"].replace("~1", "/")), ("POST", "//v1/payments"))
        for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
            self.assertEqual(closed[limit]["Fn::If"][::2], ["SalesAreOpen", 0])

    def test_what_is_too_large_is_for_the_function_to_refuse_in_its_own_words(self) -> None:
        rules = self.firewall()
        self.assertFalse([name for name, rule in rules.items() if "SizeConstraintStatement" in json.dumps(rule)])
        common = rules["common"]["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]
        counted = {it["Name"] for it in common if it["ActionToUse"] == {"Count": {}}}
        self.assertLessEqual({"SizeRestrictions_BODY", "SizeRestrictions_QUERYSTRING", "NoUserAgent_HEADER"}, counted)
        # All that a function takes is looked through.
        inspected = self.root["Firewall"]["Properties"]["AssociationConfig"]["RequestBody"]["API_GATEWAY"]
        [size] = re.findall(r"MAX_BODY: usize = (\d+) \* 1024", (ROOT / "shared/api/src/lib.rs").read_text())
        self.assertEqual(inspected["DefaultSizeInspectionLimit"], f"KB_{size}")

    def test_the_firewall_says_too_many_as_the_gateway_does(self) -> None:
        bodies = self.root["Firewall"]["Properties"]["CustomResponseBodies"]
        gateway = yaml.safe_load((ROOT / "infra/api.yaml").read_text())["x-amazon-apigateway-gateway-responses"]["THROTTLED"]
        said = json.loads(gateway["responseTemplates"]["application/json"])
        self.assertEqual(json.loads(bodies["TooMany"]["Content"]) | {"requestId": "$context.requestId"}, said)

    def test_what_cloudformation_reads_is_ascii(self) -> None:
        """It shows other letters as `?`, to a rollback too, and passes them on to some services so."""
        for path in ("template.yaml", "infra/data.yaml", "infra/api.yaml", *(ROOT / "functions").glob("**/template.yaml")):
            self.assertTrue((ROOT / path).read_text().isascii(), path)

    def test_a_crowd_behind_one_address_is_not_stopped_by_one_of_it(self) -> None:
        rules = self.firewall()
        member = rules["rate-of-member"]["Statement"]["RateBasedStatement"]
        self.assertEqual([*member["CustomKeys"][0], member["CustomKeys"][1]["Header"]["Name"]], ["IP", "authorization"])
        address = rules["rate-of-address"]["Statement"]["RateBasedStatement"]
        self.assertEqual((member["Limit"], address["Limit"]), ({"Ref": "RequestsPerMember"}, {"Ref": "RequestsPerAddress"}))
        defaults = load(ROOT / "template.yaml")["Parameters"]
        self.assertGreaterEqual(defaults["RequestsPerAddress"]["Default"], 10 * defaults["RequestsPerMember"]["Default"])

    def test_whom_the_firewall_turned_away_is_written_down_without_what_opens_anything(self) -> None:
        log = self.root["FirewallLog"]["Properties"]
        redacted = [next(iter(it.get("SingleHeader", it).values())) or next(iter(it)) for it in log["RedactedFields"]]
        self.assertEqual(set(redacted), {"authorization", "cookie", "UriPath", "QueryString"})
        self.assertTrue(self.root["FirewallLogs"]["Properties"]["LogGroupName"]["Fn::Sub"].startswith("aws-waf-logs-"))
        kept = {it["ActionCondition"]["Action"] for it in log["LoggingFilter"]["Filters"][0]["Conditions"]}
        self.assertLessEqual({"BLOCK", "COUNT"}, kept)
        self.assertEqual(log["LoggingFilter"]["DefaultBehavior"], "DROP")

    def test_somebody_hears_of_a_red_cluster_a_full_disk_and_functions_that_are_not_started(self) -> None:
        for metric, namespace, operator in (
            ("ClusterStatus.red", "AWS/ES", "GreaterThanThreshold"), ("FreeStorageSpace", "AWS/ES", "LessThanThreshold"),
            ("Throttles", "AWS/Lambda", "GreaterThanThreshold"),
        ):
            with self.subTest(metric):
                alarm = self.alarm(metric)
                self.assertEqual((alarm["Namespace"], alarm["ComparisonOperator"]), (namespace, operator))
                self.assertEqual(alarm["AlarmActions"], [{"Ref": "Alarms"}])


if __name__ == "__main__":
    unittest.main()
