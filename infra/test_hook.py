"""What a release asks a new version before it gets traffic, and what it makes of the answers. `make check` runs it."""

import io
import json
import sys
import unittest
from contextlib import redirect_stdout
from typing import Any
from unittest import mock

import release  # first: it makes the local cloud's modules known
from account import Account, Said
from botocore.response import StreamingBody
from templates import ROOT, of_type, load

sys.path.insert(0, str(ROOT / "infra/hook"))
import check_version  # noqa: E402

APPSPEC = {"version": 0.0, "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": {
    "Name": "staging-get_me", "Alias": "live", "CurrentVersion": "6", "TargetVersion": "7"}}}]}


class Releasing(Account):
    """CodeDeploy, in the middle of releasing version 7 of get_me or of what a test says."""

    function, begun, answer = "staging-get_me", True, '{"statusCode": 401}'

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, Any]] = []
        self.failing_function = False

    def list_deployment_targets(self, deploymentId: str) -> Said:
        return {"targetIds": ["f"]}

    def get_deployment_target(self, deploymentId: str, targetId: str) -> Said:
        info = {"functionName": self.function, "currentVersion": "6", "targetVersion": "7"}
        return {"deploymentTarget": {"deploymentTargetType": "LambdaFunction",
                                     "lambdaTarget": {"lambdaFunctionInfo": info} if self.begun else {}}}

    def get_deployment(self, deploymentId: str) -> Said:
        return {"deploymentInfo": {"revision": {"revisionType": "String", "string": {"content": json.dumps(APPSPEC)}}}}

    def put_lifecycle_event_hook_execution_status(self, deploymentId: str, lifecycleEventHookExecutionId: str, status: str) -> Said:
        self.calls.append(status)
        return {}

    def invoke(self, FunctionName: str, Qualifier: str, Payload: str) -> Said:
        self.asked.append((FunctionName, Qualifier, json.loads(Payload)))
        body = self.answer.encode()
        error = {"FunctionError": "Unhandled"} if self.failing_function else {}
        return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(body), len(body))} | error


class Hook(unittest.TestCase):
    def setUp(self) -> None:
        self.account = Releasing()
        self.enterContext(mock.patch.object(check_version.boto3, "client", self.account.session().client))
        self.enterContext(redirect_stdout(io.StringIO()))

    def told(self) -> list[str]:
        check_version.handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "h-1"}, None)
        return self.account.calls

    def test_a_version_that_answers_is_released(self) -> None:
        self.assertEqual(self.told(), ["Succeeded"])
        [(function, version, event)] = self.account.asked
        self.assertEqual((function, version), ("staging-get_me", "7"))
        self.assertEqual((event["httpMethod"], event["path"], event["headers"]), ("GET", "/v1/me", {}))

    def test_before_codedeploy_has_begun_the_revision_says_which_version(self) -> None:
        self.account.begun = False
        self.assertEqual(self.told(), ["Succeeded"])
        self.assertEqual(self.account.asked[0][:2], ("staging-get_me", "7"))

    def test_a_version_that_fails_answers_a_fault_or_nothing_is_not_released(self) -> None:
        for answer, fails in (('{"statusCode": 503}', False), ('{"errorMessage": "died"}', True), ("{}", False)):
            with self.subTest(answer):
                self.account.answer, self.account.failing_function = answer, fails
                self.account.calls.clear()
                self.assertEqual(self.told(), ["Failed"])

    def test_when_the_hook_itself_fails_nobody_waits_for_it(self) -> None:
        with mock.patch.object(check_version, "_faults", side_effect=KeyError), self.assertRaises(KeyError):
            self.told()
        self.assertEqual(self.account.calls, ["Failed"])

    def test_a_worker_is_asked_with_no_records_and_may_answer_anything_but_an_error(self) -> None:
        self.account.function, self.account.answer = "staging-index_catalog", '{"batchItemFailures": []}'
        self.assertEqual(self.told(), ["Succeeded"])
        self.assertEqual(self.account.asked[0][2], {"Records": []})

    def test_all_are_asked_but_what_only_operators_start(self) -> None:
        self.assertEqual(set(release._functions()) - set(check_version.EVENTS), {"cancel_event", "manage_coupons", "rebuild_index"})
        self.account.function = "staging-rebuild_index"
        self.assertEqual((self.told(), self.account.asked), (["Succeeded"], []))

    def test_codedeploy_may_call_it_by_its_name_and_a_hotfix_goes_past_it(self) -> None:
        # AWSCodeDeployRoleForLambda, which SAM gives CodeDeploy, lets it call no other function.
        [hook] = of_type(load(ROOT / "functions/template.yaml"), "AWS::Serverless::Function").values()
        self.assertEqual(hook["Properties"]["FunctionName"], {"Fn::Sub": "CodeDeployHook_${Stage}"})
        for function in release._functions().values():
            when = function["Properties"]["DeploymentPreference"]["Hooks"]["PreTraffic"]["Fn::If"]
            self.assertEqual(when, ["CanaryAlarms", hook["Properties"]["FunctionName"], {"Ref": "AWS::NoValue"}])


if __name__ == "__main__":
    unittest.main()
