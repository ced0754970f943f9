"""Brings a stage of samconfig.toml to AWS: release.py check|deploy|hotfix|rollback <stage>

`check` tells all that is missing, and makes nothing. `deploy` makes data, keys, the search's language and fields, and
everything that runs, in this order; `hotfix` does so while an alarm rings; `rollback` takes the release before.

SAM does the deploying. This program puts before it what SAM can't: every parameter's value (SAM leaves what it is not told as
it was), the hash that decides whether a function gets a new version, the values of the secrets, Korean for the search, and
protection from an accidental delete. The binaries are those in target/lambda (`make lambda`).
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "infra/local"))

import keys  # noqa: E402
import korean  # noqa: E402
from deploy import DeployError, add_fields, create_index  # noqa: E402
from templates import FUNCTIONS, functions, load, of_type, parts, stamp  # noqa: E402

CONFIG = ROOT / "samconfig.toml"
DATA = ROOT / "infra/data.yaml"
APP = ROOT / "template.yaml"
READY = ROOT / "target/deploy"
BUILT = ROOT / "target/lambda"
KEPT_VERSIONS = 5
# Which secret each of these goes into, where it is still empty.
GIVEN = {"kakaopay": "KAKAOPAY_SECRET_KEY", "kakao": "KAKAO_CLIENT_SECRET", "naver": "NAVER_CLIENT_SECRET"}
# What AWS keeps of an account's concurrent executions for functions that reserve none.
UNRESERVED = 100
Values = dict[str, str]


@dataclass
class Stage:
    """A stage of samconfig.toml, with the value of every parameter of its two stacks."""

    name: str
    session: Any
    data: Values
    app: Values

    @classmethod
    def named(cls, name: str) -> "Stage":
        config = tomllib.loads(CONFIG.read_text())
        if name not in config:
            raise DeployError(f"samconfig.toml has no stage {name}.")
        session = boto3.Session(region_name=config[name]["deploy"]["parameters"]["region"])
        given = {stack: config[stack]["deploy"]["parameters"]["parameter_overrides"] for stack in (f"{name}-data", name)}
        return cls(name, session, _values(DATA, given[f"{name}-data"]), _values(APP, given[name]))

    def client(self, service: str) -> Any:
        return self.session.client(service)

    @property
    def own_search(self) -> bool:
        return not self.data["SearchUrl"]

    def parameter(self, name: str) -> str:
        return self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]


def _values(template: Path, overrides: list[str]) -> Values:
    given = dict(pair.split("=", 1) for pair in overrides)
    known = load(template)["Parameters"]
    if unknown := given.keys() - known:
        raise DeployError(f"samconfig.toml gives what {template.name} does not take: {', '.join(sorted(unknown))}.")
    values = {name: given.get(name, parameter.get("Default")) for name, parameter in known.items()}
    if missing := [name for name, value in values.items() if value is None]:
        raise DeployError(f"samconfig.toml does not give what {template.name} needs: {', '.join(missing)}.")
    return {name: str(value) for name, value in values.items()}


def missing(stage: Stage) -> Iterator[str]:
    """All that keeps a stage from being deployed to its account, a sentence each."""
    for name, value in (stage.data | stage.app).items():
        if (urlsplit(value).hostname or value.rpartition("@")[2]).endswith(".example"):
            yield f"{name} is {value}, which leads nowhere: put your own into samconfig.toml."
    if stage.name == "production" and stage.app["KakaopayCid"] == "TC0ONETIME":
        yield "KakaopayCid is KakaoPay's test shop: put the shop's own into samconfig.toml."
    if unbuilt := [name for name in _functions() if not (BUILT / name / "bootstrap").exists()]:
        yield f"{len(unbuilt)} functions are not built, the first is {unbuilt[0]}: make lambda."
    try:
        stage.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        yield f"There are no credentials that AWS takes: {error}."
        return
    for stack in (f"{stage.name}-data", stage.name):
        if sentence := _in_the_way(stack, _status(stage, stack)):
            yield sentence
    yield from _too_few_executions(stage)
    if stage.own_search:
        engine = load(DATA)["Resources"]["Search"]["Properties"]["EngineVersion"]
        yield from korean.missing(stage.client("opensearch"), engine, stage.data["SearchInstanceType"])
    yield from _mail(stage)
    needed = {"kakaopay": "buy", "kakao": "sign in with Kakao", "naver": "sign in with Naver"}
    for name, what in needed.items():
        offered = name == "kakaopay" or stage.app[f"{name.capitalize()}ClientId"]
        if offered and name not in _given() and not keys.value_of(stage.client("secretsmanager"), f"{stage.name}/{name}"):
            yield f"Nobody could {what}: set {GIVEN[name]}, which goes into the secret {stage.name}/{name} once."


def _mail(stage: Stage) -> Iterator[str]:
    """Without mail nobody signs up."""
    ses, domain = stage.client("sesv2"), stage.app["MailFrom"].rpartition("@")[2]
    try:
        proven = ses.get_email_identity(EmailIdentity=domain)["VerifiedForSendingStatus"]
    except ses.exceptions.NotFoundException:
        proven = False
    if not proven:
        yield f"SES does not know that {domain} is yours: create the identity there, and put its records into the DNS."
    account = ses.get_account()
    if not account["ProductionAccessEnabled"]:
        yield "SES mails to nobody but yourself: ask AWS to take the account out of its sandbox (SES, Account dashboard)."
    elif float(stage.app["MailRate"]) > account["SendQuota"]["MaxSendRate"]:
        yield f"MailRate is {stage.app['MailRate']}, and SES takes {account['SendQuota']['MaxSendRate']:g} a second."


def _functions() -> dict[str, Any]:
    """The functions of all parts by the names of their binaries."""
    templates = (load(FUNCTIONS.parent / part["Properties"]["Location"]) for part in parts().values())
    return {name: function for template in templates for name, function in functions(template).items()}


def _too_few_executions(stage: Stage) -> Iterator[str]:
    api = stage.client("lambda")
    wanted = held = 0
    for name, function in _functions().items():
        if conditional := function["Properties"].get("ReservedConcurrentExecutions"):
            condition, reserved, _ = conditional["Fn::If"]
            if stage.app[condition] == "true":
                wanted += int(stage.app[reserved["Ref"]] if isinstance(reserved, dict) else reserved)
            try:
                held += api.get_function_concurrency(FunctionName=f"{stage.name}-{name}").get("ReservedConcurrentExecutions", 0)
            except api.exceptions.ResourceNotFoundException:
                pass
    limits = api.get_account_settings()["AccountLimit"]
    if wanted and limits["UnreservedConcurrentExecutions"] + held - wanted < UNRESERVED:
        yield (f"The account may run {limits['ConcurrentExecutions']} functions at once, and {stage.name} reserves {wanted} and "
               f"must leave {UNRESERVED}: ask AWS for more (Service Quotas, Lambda, Concurrent executions), or lower "
               "HashingConcurrency in samconfig.toml, or say ReserveConcurrency=false there.")


def _given() -> dict[str, str]:
    """The secrets of others' systems that the environment gives, by their names."""
    return {name: os.environ[variable] for name, variable in GIVEN.items() if os.environ.get(variable)}


def _status(stage: Stage, stack: str) -> str | None:
    """What became of a stack; nothing, if there is none."""
    try:
        [found] = stage.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == "REVIEW_IN_PROGRESS" else found["StackStatus"]


def _in_the_way(stack: str, status: str | None) -> str | None:
    if not status or status == "ROLLBACK_COMPLETE":
        return None
    if status.endswith("_IN_PROGRESS"):
        return f"Somebody is changing {stack} ({status}): wait until it has ended."
    if status.endswith("_FAILED"):
        return f"{stack} is {status}, which only a person can end: see infra/runbook.md."
    return None


def check(stage: Stage) -> None:
    if sentences := list(missing(stage)):
        raise DeployError(f"{stage.name} can't be deployed yet:\n" + "\n".join(f"- {it}" for it in sentences))
    print(f"Nothing is missing: make deploy STAGE={stage.name}")


def deploy(stage: Stage, hotfix: bool = False) -> None:
    check(stage)
    name, data, formation = stage.name, f"{stage.name}-data", stage.client("cloudformation")

    if not _stands(stage, data):
        sam_deploy(data, DATA, stage.data | {"Protected": "false"})
    sam_deploy(data, DATA, stage.data)
    formation.update_termination_protection(StackName=data, EnableTerminationProtection=True)
    keys.ensure(stage.session, name, _given())

    search_url = stage.parameter(f"/{name}/search-url")
    if stage.own_search:
        korean.associate(stage.client("opensearch"), f"{name}-search")
    korean.require(stage.session, search_url)
    # What is deployed next may write fields that the index does not know yet.
    add_fields(stage.session, search_url)

    before = _release(stage) if _stands(stage, name) else None
    app = stage.app | ({"CanaryAlarms": "false", "DeploymentPreference": "AllAtOnce"} if hotfix else {})
    sam_deploy(name, prepare(stage, app), app)
    formation.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    if before and before != _release(stage):
        stage.client("s3").put_object(**_kept(stage), Body=json.dumps(before).encode())
    create_index(stage.client("lambda"), name)
    if faults := list(faulty(stage)):
        if before and not hotfix:
            rollback(stage)
        raise DeployError(f"The new release of {name} is not well: {'; '.join(faults)}.")
    prune(stage)


def _stands(stage: Stage, stack: str) -> bool:
    """Whether there is a stack to update. What a failed first creation left is none, and no update takes it."""
    status = _status(stage, stack)
    if status == "ROLLBACK_COMPLETE":
        formation = stage.client("cloudformation")
        formation.delete_stack(StackName=stack)
        formation.get_waiter("stack_delete_complete").wait(StackName=stack)
        return False
    return status is not None


def prepare(stage: Stage, app: Values) -> Path:
    """Writes the templates with every function's hash, and answers where the root is."""
    root = load(APP)
    values = {name: stage.parameter(app[name]) if parameter["Type"].startswith("AWS::SSM::Parameter::Value") else app[name]
              for name, parameter in root["Parameters"].items()}
    READY.mkdir(parents=True, exist_ok=True)
    nested = load(FUNCTIONS)
    for name, part in of_type(nested, "AWS::Serverless::Application").items():
        template = load(FUNCTIONS.parent / part["Properties"]["Location"])
        passed = {parameter: values[parameter] for parameter in part["Properties"]["Parameters"]}
        stamp(template, passed, lambda binary: sha256((BUILT / binary / "bootstrap").read_bytes()).hexdigest())
        for binary, function in functions(template).items():
            function["Properties"]["CodeUri"] = str(BUILT / binary)
        part["Properties"]["Location"] = str(_write(f"{name.lower()}.json", template))
    nested["Resources"]["CheckVersion"]["Properties"]["CodeUri"] = str(ROOT / "infra/hook")
    root["Resources"]["Functions"]["Properties"]["Location"] = str(_write("functions.json", nested))
    body = root["Resources"]["Api"]["Properties"]["DefinitionBody"]
    body["Fn::Transform"]["Parameters"]["Location"] = str(ROOT / "infra/api.yaml")
    return _write("template.json", root)


def _write(name: str, content: Any) -> Path:
    READY.mkdir(parents=True, exist_ok=True)
    (READY / name).write_text(json.dumps(content, indent=1))
    return READY / name


def sam(*arguments: Any) -> bool:
    program = Path(sys.executable).with_name("sam")
    return subprocess.run([program, *arguments], cwd=ROOT, check=False).returncode == 0


def sam_deploy(stack: str, template: Path, values: Values) -> None:
    given = _write(f"{stack}.parameters.yaml", values)  # SAM reads no .json here
    if not sam("deploy", "--config-file", CONFIG, "--config-env", stack, "--template-file", template,
               "--parameter-overrides", f"file://{given}", "--no-confirm-changeset"):
        raise DeployError(f"{stack} was not deployed; SAM said why above.")


# What a release must answer, asked past the firewall, which may let in no other country's than ours: people's reads, and a
# purchase by nobody, which closed sales refuse otherwise.
SMOKE = (
    ("GET", "/v1/health", "", {200}),
    ("GET", "/v1/events", "q=%EC%9E%AC%EC%A6%88", {200}),
    ("GET", "/openapi.json", "", {200}),
    ("GET", "/.well-known/jwks.json", "", {200}),
    ("GET", "/v1/me", "", {401}),
    ("POST", "/v1/payments", "", {401, 429}),
)


def faulty(stage: Stage) -> Iterator[str]:
    """What the stage answers otherwise than it should."""
    gateway = stage.client("apigateway")
    api = stage.client("cloudformation").describe_stack_resource(
        StackName=stage.name, LogicalResourceId="Api")["StackResourceDetail"]["PhysicalResourceId"]
    pages = gateway.get_paginator("get_resources").paginate(restApiId=api)
    resources = {resource["path"]: resource["id"] for page in pages for resource in page["items"]}
    for method, path, query, expected in SMOKE:
        answer = gateway.test_invoke_method(
            restApiId=api, resourceId=resources[path], httpMethod=method, pathWithQueryString=f"{path}?{query}".rstrip("?"))
        if answer["status"] not in expected:
            yield f"{method} {path} is answered {answer['status']} and not {min(expected)}"


def _release(stage: Stage) -> dict[str, Any]:
    """What runs now: the root's template, which names all others and the code, and its parameters."""
    formation = stage.client("cloudformation")
    [stack] = formation.describe_stacks(StackName=stage.name)["Stacks"]
    template = formation.get_template(StackName=stage.name, TemplateStage="Original")["TemplateBody"]
    return {"template": template, "parameters": {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}}


def _kept(stage: Stage) -> dict[str, str]:
    """Where the release before is kept: beside SAM's own, which it is made of."""
    [managed] = stage.client("cloudformation").describe_stacks(StackName="aws-sam-cli-managed-default")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in managed["Outputs"]}
    return {"Bucket": outputs["SourceBucket"], "Key": f"{stage.name}/release-before.json"}


def rollback(stage: Stage) -> None:
    """Deploys the release before the one that runs, at once."""
    s3, formation = stage.client("s3"), stage.client("cloudformation")
    try:
        before = json.loads(s3.get_object(**_kept(stage))["Body"].read())
    except s3.exceptions.NoSuchKey:
        raise DeployError(f"There is no release of {stage.name} before the one that runs.") from None
    at_once = {"CanaryAlarms": "false", "DeploymentPreference": "AllAtOnce"}
    values = before["parameters"] | {name: value for name, value in at_once.items() if name in before["parameters"]}
    try:
        formation.update_stack(
            StackName=stage.name, TemplateBody=json.dumps(before["template"]),
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()])
    except ClientError as error:
        if "No updates" in str(error):
            raise DeployError(f"The release of {stage.name} before the last runs already.") from None
        raise
    formation.get_waiter("stack_update_complete").wait(StackName=stage.name)
    print(f"{stage.name} runs the release before.")


def prune(stage: Stage) -> None:
    """Deletes all but the newest versions of each function and what its alias points at, be it old after rollbacks."""
    api = stage.client("lambda")
    for alias in _resources(stage.client("cloudformation"), stage.name, "AWS::Lambda::Alias"):
        name = alias.split(":")[6]
        pages = api.get_paginator("list_versions_by_function").paginate(FunctionName=name)
        versions = [v["Version"] for page in pages for v in page["Versions"] if v["Version"] != "$LATEST"]
        live = api.get_alias(FunctionName=name, Name="live")
        used = {live["FunctionVersion"], *live.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}
        for version in sorted(versions, key=int)[:-KEPT_VERSIONS]:
            if version not in used:
                api.delete_function(FunctionName=name, Qualifier=version)


def _resources(formation: Any, stack: str, kind: str) -> Iterator[str]:
    """The names of what a stack, and the stacks in it, have of a kind."""
    for page in formation.get_paginator("list_stack_resources").paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == kind:
                yield resource["PhysicalResourceId"]
            elif resource["ResourceType"] == "AWS::CloudFormation::Stack":
                yield from _resources(formation, resource["PhysicalResourceId"], kind)


def main() -> None:
    try:
        match sys.argv[1:]:
            case ["check", stage]:
                check(Stage.named(stage))
            case ["deploy", stage]:
                deploy(Stage.named(stage))
            case ["hotfix", stage]:
                deploy(Stage.named(stage), hotfix=True)
            case ["rollback", stage]:
                rollback(Stage.named(stage))
            case _:
                raise DeployError("usage: release.py check|deploy|hotfix|rollback <stage>")
    except (DeployError, BotoCoreError, ClientError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
