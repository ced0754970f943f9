"""The local cloud's own rules. `make check` runs them."""

import copy
import json
import logging
import os
import sys
import threading
import unittest
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

import yaml

from deploy import REGION, DeployError, add_fields, expand
from front import Front
from recorder import permissions
from templates import ROOT, functions, load, of_type, stamp, without

sys.path.insert(0, str(ROOT / "infra"))
import release  # noqa: E402

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
        for path in [ROOT / "template.yaml", *ROOT.glob("functions/**/template.yaml")]:
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


class SearchIndex(unittest.TestCase):
    """Stands for OpenSearch, which answers what a test says."""

    def setUp(self) -> None:
        test = self

        class OpenSearch(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                test.asked.append((self.path, json.loads(body), self.headers.get("Authorization")))
                self.send_response(test.status)
                self.end_headers()
                self.wfile.write(b"said so")

            def log_message(self, *_: object) -> None:
                pass

        self.asked: list[tuple[str, dict, str | None]] = []
        self.status = 200
        server = HTTPServer(("127.0.0.1", 0), OpenSearch)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def test_it_learns_every_field_of_its_definition(self) -> None:
        add_fields(None, self.url)
        mappings = json.loads((ROOT / "infra/search/events.json").read_text())["mappings"]
        self.assertEqual(self.asked, [("/events-write/_mapping", mappings, None)])

    def test_before_the_first_deployment_there_is_none(self) -> None:
        self.status = 404
        add_fields(None, self.url)

    def test_a_definition_that_is_more_than_new_fields_is_not_deployed(self) -> None:
        for self.status, said in ((400, "Rebuild"), (403, "403 said so"), (503, "503")):
            with self.assertRaisesRegex(DeployError, said):
                add_fields(None, self.url)


class Release(unittest.TestCase):
    def test_the_index_learns_new_fields_before_what_writes_them_is_deployed(self) -> None:
        order: list[str] = []
        note = lambda name: lambda *_, **__: order.append(name)  # noqa: E731
        with ExitStack() as patched:
            for name in ("add_fields", "create_index", "prepare", "prune"):
                patched.enter_context(mock.patch.object(release, name, note(name)))
            patched.enter_context(mock.patch.object(release, "sam_deploy", lambda stage, _: order.append(stage)))
            patched.enter_context(mock.patch.object(release.boto3, "Session", mock.MagicMock()))
            patched.enter_context(mock.patch.object(release, "keys", mock.MagicMock()))
            release.release("staging")
        self.assertEqual(order, ["staging-data", "add_fields", "prepare", "staging", "create_index", "prune"])


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
