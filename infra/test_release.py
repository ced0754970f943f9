"""Deployments, as they go in an account of AWS and as they end when something is wrong with it. `make check` runs it."""

import os
import tempfile
import unittest
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import release  # first: it makes the local cloud's modules known
from account import Account, Stack
import deploy as local
from deploy import DeployError
from templates import ROOT, load


class Case(unittest.TestCase):
    """An account, a stage `staging` with an address of its own, and every function built."""

    def setUp(self) -> None:
        self.account = Account()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.config = (ROOT / "samconfig.toml").read_text().replace(".example", ".kr").replace('"KakaopayCid=TC0ONETIME"', '"KakaopayCid=C1"')
        for name in release._functions():
            self.build(name)
        patched = self.enterContext(ExitStack())
        for module, name, stand_in in (
            (release, "CONFIG", self.folder / "samconfig.toml"), (release, "BUILT", self.folder / "lambda"),
            (release, "READY", self.folder / "ready"), (release.boto3, "Session", self.account.session),
            (release.subprocess, "run", self.account.sam), (local, "URLLib3Session", self.search),
            (release.korean.time, "sleep", lambda _: None),
        ):
            patched.enter_context(mock.patch.object(module, name, stand_in))
        patched.enter_context(mock.patch.dict(os.environ, {"KAKAOPAY_SECRET_KEY": "key"}))
        patched.enter_context(redirect_stdout(StringIO()))

    def build(self, name: str, code: str = "1") -> None:
        (self.folder / "lambda" / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "lambda" / name / "bootstrap").write_text(code)

    def search(self) -> SimpleNamespace:
        """OpenSearch: it knows Korean once its domain has the package, and has no index yet."""
        def send(request: SimpleNamespace) -> SimpleNamespace:
            korean = "ACTIVE" in self.account.associated.values()
            if asks := request.url.endswith("/_analyze"):
                self.account.calls.append("ask for Korean")
            else:
                self.account.calls.append("teach fields")
            status = (200 if korean else 400) if asks else 404
            return SimpleNamespace(status_code=status, text="said so")
        return SimpleNamespace(send=send)

    def stage(self, name: str = "staging") -> release.Stage:
        (self.folder / "samconfig.toml").write_text(self.config)
        return release.Stage.named(name)

    def given(self, stack: str) -> dict[str, str]:
        return self.account.stacks[stack].values

    def refused(self, what: str, act: object, *given: object, **named: object) -> None:
        """It ends in a sentence that a person can act on, not in a traceback."""
        with self.assertRaisesRegex(DeployError, what):
            act(*given, **named)


class FirstDeploy(Case):
    def test_data_comes_first_then_korean_then_what_runs(self) -> None:
        release.deploy(self.stage())
        self.assertEqual(self.account.calls, [
            "deploy staging-data", "deploy staging-data", "associate pkg-nori staging-search", "ask for Korean", "teach fields",
            "deploy staging", "invoke staging-index_catalog:live"])
        self.assertTrue(all(self.account.stacks[name].protected for name in ("staging-data", "staging")))

    def test_tables_are_protected_once_the_stack_stands_and_not_before(self) -> None:
        release.deploy(self.stage())
        told = [values["Protected"] for stack, values in self.account.told if stack == "staging-data"]
        self.assertEqual(told, ["false", "true"])

    def test_every_parameter_is_said_to_both_stacks(self) -> None:
        release.deploy(self.stage())
        templates = {"staging-data": release.DATA, "staging": release.APP}
        for stack, told in self.account.told:
            self.assertEqual(told.keys(), load(templates[stack])["Parameters"].keys())

    def test_secrets_are_made_and_kakaopays_key_is_kept(self) -> None:
        release.deploy(self.stage())
        self.assertEqual(self.account.secrets.keys(), {"staging/jwt", "staging/cursor", "staging/ticket", "staging/kakaopay"})

    def test_a_creation_that_failed_can_be_tried_again(self) -> None:
        self.account.failing = {"staging-data": ["ROLLBACK_COMPLETE"], "staging": ["ROLLBACK_COMPLETE"]}
        self.refused("staging-data was not deployed; SAM said why", release.deploy, self.stage())
        self.refused("staging was not deployed; SAM said why", release.deploy, self.stage())
        release.deploy(self.stage())
        self.assertLess({"delete staging-data", "delete staging"}, set(self.account.calls))
        self.assertEqual(self.account.stacks["staging"].status, "CREATE_COMPLETE")

    def test_a_stack_that_only_a_person_can_mend_is_left_alone(self) -> None:
        for status, said in (("UPDATE_ROLLBACK_FAILED", "only a person"), ("UPDATE_IN_PROGRESS", "wait")):
            with self.subTest(status):
                self.account.stacks["staging-data"] = Stack(status)
                self.refused(said, release.deploy, self.stage())
                self.assertEqual(self.account.calls, [])


class NextDeploy(Case):
    def setUp(self) -> None:
        super().setUp()
        release.deploy(self.stage())
        self.account.calls.clear()

    def test_a_changed_default_reaches_a_stack_that_stands(self) -> None:
        changed = self.folder / "template.yaml"
        changed.write_text(release.APP.read_text().replace("Default: 900", "Default: 600"))
        with mock.patch.object(release, "APP", changed):
            release.deploy(self.stage())
        self.assertEqual(self.given("staging")["HoldSeconds"], "600")

    def test_an_override_that_is_taken_back_is_gone(self) -> None:
        usual = self.config
        self.config = usual.replace('"Stage=staging",\n', '"Stage=staging",\n"HoldSeconds=60",\n')
        release.deploy(self.stage())
        self.assertEqual(self.given("staging")["HoldSeconds"], "60")
        self.config = usual
        release.deploy(self.stage())
        self.assertEqual(self.given("staging")["HoldSeconds"], "900")

    def test_korean_is_given_once(self) -> None:
        release.deploy(self.stage())
        self.assertNotIn("associate pkg-nori staging-search", self.account.calls)
        self.assertIn("deploy staging", self.account.calls)

    def test_an_engine_of_another_version_is_given_its_own_package(self) -> None:
        self.account.engine, self.account.packages["OpenSearch_3.5"] = "OpenSearch_3.5", "pkg-next"
        self.account.association = ["ACTIVE", "ASSOCIATING", "ASSOCIATING", "ACTIVE", "ACTIVE"]
        release.deploy(self.stage())
        self.assertIn("associate pkg-next staging-search", self.account.calls)

    def test_of_old_versions_five_are_kept_and_only_the_stages_own_are_touched(self) -> None:
        for stranger in ("staging2-sign_up", "stagingtool"):
            self.account.versions[stranger] = [str(number) for number in range(1, 10)]
        for number in range(2, 9):
            self.build("get_me", str(number))
            release.deploy(self.stage())
        self.assertEqual(self.account.versions["staging-get_me"], ["4", "5", "6", "7", "8"])
        self.assertEqual(len(self.account.versions["staging2-sign_up"]), 9)
        self.assertEqual(len(self.account.versions["stagingtool"]), 9)

    def test_a_hotfix_leaves_out_the_alarm_that_rings_and_the_next_deploy_does_not(self) -> None:
        release.deploy(self.stage(), hotfix=True)
        self.assertEqual(self.given("staging")["CanaryAlarms"], "false")
        release.deploy(self.stage())
        self.assertEqual(self.given("staging")["CanaryAlarms"], "true")

    def test_sales_are_closed_and_opened_by_the_stages_file(self) -> None:
        self.config = self.config.replace('"Stage=staging",\n', '"Stage=staging",\n"SalesOpen=false",\n')
        release.deploy(self.stage())
        self.assertEqual(self.given("staging")["SalesOpen"], "false")

    def test_a_deploy_that_sam_takes_back_ends_there(self) -> None:
        self.account.failing["staging"] = ["UPDATE_ROLLBACK_COMPLETE"]
        self.refused("staging was not deployed; SAM said why", release.deploy, self.stage())
        self.assertEqual(self.account.calls[-1], "deploy staging", "no index is made, and nothing pruned")


class Rollback(Case):
    def setUp(self) -> None:
        super().setUp()
        release.deploy(self.stage())
        self.first = self.account.stacks["staging"].template

    def test_there_is_none_before_the_second_release(self) -> None:
        self.refused("no release of staging before", release.rollback, self.stage())

    def test_it_takes_the_release_before_at_once_and_past_every_alarm(self) -> None:
        self.build("get_me", "2")
        release.deploy(self.stage())
        self.assertNotEqual(self.account.stacks["staging"].template, self.first)
        release.rollback(self.stage())
        self.assertEqual(self.account.stacks["staging"].template, self.first)
        self.assertEqual(self.given("staging")["DeploymentPreference"], "AllAtOnce")
        self.refused("runs already", release.rollback, self.stage())

    def test_the_same_release_once_more_is_not_the_one_before(self) -> None:
        self.build("get_me", "2")
        release.deploy(self.stage())
        release.deploy(self.stage())
        release.rollback(self.stage())
        self.assertEqual(self.account.stacks["staging"].template, self.first)

    def test_a_release_that_answers_what_it_should_not_is_taken_back(self) -> None:
        self.build("get_me", "2")
        self.account.answers = {"/v1/me": 500}
        self.refused("not well: GET /v1/me is answered 500 and not 401", release.deploy, self.stage())
        self.assertEqual(self.account.stacks["staging"].template, self.first)

    def test_a_hotfix_stays_whatever_else_is_wrong(self) -> None:
        self.build("get_me", "2")
        self.account.answers = {"/v1/events": 503}
        self.refused("GET /v1/events is answered 503", release.deploy, self.stage(), hotfix=True)
        self.assertNotEqual(self.account.stacks["staging"].template, self.first)


class Korean(Case):
    def test_without_a_package_for_the_engine_nothing_is_made(self) -> None:
        self.account.packages = {"OpenSearch_2.19": "pkg-old"}
        self.refused("no package analysis-nori for OpenSearch_3.3", release.deploy, self.stage())
        self.assertEqual(self.account.calls, [])

    def test_what_is_being_associated_is_waited_for_and_not_begun_again(self) -> None:
        self.account.associated = {"pkg-nori": "ASSOCIATING"}
        release.deploy(self.stage())
        self.assertNotIn("associate pkg-nori staging-search", self.account.calls)
        self.assertIn("deploy staging", self.account.calls)

    def test_an_association_that_fails_ends_the_deploy_and_the_next_tries_again(self) -> None:
        self.account.association = ["ASSOCIATION_FAILED"]
        self.refused("staging-search can't be given Korean .analysis-nori.: out of memory", release.deploy, self.stage())
        self.assertNotIn("deploy staging", self.account.calls)
        self.account.association = ["ASSOCIATION_FAILED", "ACTIVE"]
        release.deploy(self.stage())
        self.assertEqual(self.account.calls.count("associate pkg-nori staging-search"), 2)

    def test_it_is_not_waited_for_forever(self) -> None:
        self.account.association = ["ASSOCIATING"]
        self.refused("within 90 minutes", release.deploy, self.stage())

    def test_a_domain_of_others_is_asked_whether_it_knows_korean_and_is_given_nothing(self) -> None:
        self.config = self.config.replace('"Stage=staging"]', '"Stage=staging", "SearchUrl=https://search.other.kr"]')
        self.refused("https://search.other.kr does not know Korean", release.deploy, self.stage())
        self.assertEqual(self.account.calls[-1], "ask for Korean")
        self.assertNotIn("deploy staging", self.account.calls)
        self.account.associated = {"their-own": "ACTIVE"}
        self.account.association = []
        release.deploy(self.stage())
        self.assertIn("deploy staging", self.account.calls)


class Check(Case):
    def test_what_is_missing_is_told_at_once_and_nothing_is_made(self) -> None:
        self.config = (ROOT / "samconfig.toml").read_text()
        self.account.executions, self.account.packages = 50, {}
        (self.folder / "lambda/get_me/bootstrap").unlink()
        os.environ.pop("KAKAOPAY_SECRET_KEY")
        told = list(release.missing(self.stage("production")))
        for part in ("MailFrom is stage@spotlight.example", "SES does not know", "PublicUrl is https://spotlight.example", "SignedInUrl is https://spotlight.example/docs", "AlarmEmail is operators@spotlight.example", "test shop",
                     "the first is get_me", "at once", "no package analysis-nori", "Nobody could buy"):
            self.assertTrue(any(part in sentence for sentence in told), f"{part}: {told}")
        self.assertEqual(len(told), 10)
        self.refused("production can't be deployed yet:\n- ", release.deploy, self.stage("production"))
        self.assertEqual(self.account.calls, [])

    def test_a_provider_is_offered_with_its_secret_or_not_at_all(self) -> None:
        self.config = self.config.replace('"Stage=staging",\n    "PublicUrl', '"Stage=staging",\n    "KakaoClientId=4f2a",\n    "PublicUrl')
        self.refused("Nobody could sign in with Kakao: set KAKAO_CLIENT_SECRET", release.deploy, self.stage())
        with mock.patch.dict(os.environ, {"KAKAO_CLIENT_SECRET": "hush"}):
            release.deploy(self.stage())
        self.assertEqual(self.account.secrets["staging/kakao"], '{"clientSecret": "hush"}')
        release.deploy(self.stage())

    def test_an_account_that_mails_to_nobody_is_refused(self) -> None:
        self.account.proven["staging.spotlight.kr"] = False
        self.refused("SES does not know that staging.spotlight.kr is yours", release.deploy, self.stage())
        self.account.proven["staging.spotlight.kr"] = self.account.sandbox = True
        self.refused("out of its sandbox", release.deploy, self.stage())
        self.account.sandbox = False
        self.config = self.config.replace('"PublicUrl', '"MailRate=20",\n    "PublicUrl', 1)
        self.refused("MailRate is 20, and SES takes 14 a second", release.deploy, self.stage())
        self.assertEqual(self.account.calls, [])

    def test_a_small_account_is_refused_before_anything_is_made_and_can_have_what_it_has_already(self) -> None:
        self.config = self.config.replace('"ReserveConcurrency=false"', '"HashingConcurrency=2"')
        self.account.executions = 104
        self.refused("may run 104 functions at once, and staging reserves 5 and must leave 100", release.deploy, self.stage())
        self.assertEqual(self.account.calls, [])
        self.account.executions = 105
        release.deploy(self.stage())
        release.deploy(self.stage())

    def test_a_new_account_has_none_to_give_and_staging_asks_for_none(self) -> None:
        self.account.executions = 10
        release.deploy(self.stage())
        self.assertEqual(self.account.reserved, {})
        self.assertIn("reserves 101", "".join(release.missing(self.stage("production"))))

    def test_a_name_that_no_template_takes_is_a_slip(self) -> None:
        self.config = self.config.replace("ReserveConcurrency=false", "ReserveConcurency=false")
        self.refused("does not take: ReserveConcurency", self.stage)

    def test_an_account_with_all_of_it_lacks_nothing(self) -> None:
        self.assertEqual([*release.missing(self.stage())], [])
        self.assertEqual([*release.missing(self.stage("production"))], [])

    def test_what_aws_denies_is_a_sentence(self) -> None:
        with mock.patch.object(self.account, "get_account_settings", side_effect=release.ClientError(
                {"Error": {"Code": "AccessDenied", "Message": "may not"}}, "GetAccountSettings")):
            self.stage()
            with mock.patch.object(release.sys, "argv", ["release.py", "deploy", "staging"]):
                with self.assertRaisesRegex(SystemExit, "AccessDenied"):
                    release.main()


class Smoke(unittest.TestCase):
    def test_it_asks_for_routes_that_there_are(self) -> None:
        paths = load(ROOT / "infra/api.yaml")["paths"]
        for method, path, _, _ in release.SMOKE:
            self.assertIn(method.lower(), paths[path])


class Engine(unittest.TestCase):
    def test_the_local_search_runs_the_version_that_the_domain_has(self) -> None:
        pom = (ROOT / "infra/local/opensearch/pom.xml").read_text()
        local_version = pom.split("<opensearch.version>")[1].split("<")[0]
        domain = load(release.DATA)["Resources"]["Search"]["Properties"]["EngineVersion"]
        self.assertEqual(domain, f"OpenSearch_{local_version.rpartition('.')[0]}")


if __name__ == "__main__":
    unittest.main()
