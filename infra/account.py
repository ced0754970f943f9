"""An AWS account for tests, as far as infra/release.py asks: real clients, whose requests and answers are held against the
services' own models, and no network."""

import io
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
from boto3.session import Session
from botocore import xform_name
from botocore.response import StreamingBody
from botocore.validate import validate_parameters
from samcli.cli.types import CfnParameterOverridesType

from templates import functions, load, of_type

Said = dict[str, Any]
# Reads each service's model once.
MODELS = botocore.session.Session().get_component("data_loader")


class Refusal(Exception):
    """An error as a service answers it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = {"Error": {"Code": code, "Message": message}}


@dataclass
class Stack:
    status: str
    values: dict[str, str] = field(default_factory=dict)
    template: Any = None
    protected: bool = False


@dataclass
class Account:
    """Answers each operation by the method of its name; `calls` are the operations that changed something, in their order."""

    executions: int = 1000
    packages: dict[str, str] = field(default_factory=lambda: {"OpenSearch_3.3": "pkg-nori"})
    # What an association becomes each time that somebody looks.
    association: list[str] = field(default_factory=lambda: ["ASSOCIATING", "ACTIVE"])
    associated: dict[str, str] = field(default_factory=dict)
    engine: str = "OpenSearch_3.3"
    # How SAM's next deployments of a stack end, if not well.
    failing: dict[str, list[str]] = field(default_factory=dict)
    # The answers of the API that are not as they should be.
    answers: dict[str, int] = field(default_factory=dict)
    stacks: dict[str, Stack] = field(default_factory=lambda: {"aws-sam-cli-managed-default": Stack("CREATE_COMPLETE")})
    # The domains that SES knows to be ours, or waits to.
    proven: dict[str, bool] = field(default_factory=lambda: {"spotlight.kr": True, "staging.spotlight.kr": True})
    sandbox: bool = False
    reserved: dict[str, int] = field(default_factory=dict)
    versions: dict[str, list[str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    # Each stack with the parameters that SAM was told, in the order of the deployments.
    told: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def session(self, **_: Any) -> Session:
        core = botocore.session.Session()
        core.register_component("data_loader", MODELS)
        core.register("before-parameter-build.*.*", lambda params, context, **_: context.update(said=dict(params)))
        core.register("before-call.*.*", self._answer)
        session = Session("key", "secret", region_name="ap-northeast-2", botocore_session=core)
        session.client = cache(session.client)  # half of the tests' time
        return session

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[Any, Said]:
        try:
            parsed = getattr(self, xform_name(model.name))(**context["said"]) or {}
            if model.output_shape:
                validate_parameters(parsed, model.output_shape)
            status = 200
        except Refusal as refusal:
            parsed, status = refusal.answer, 400
        return SimpleNamespace(status_code=status, headers={}), parsed | {"ResponseMetadata": {}}

    # What stands for SAM: it checks what it is given as SAM does, and deploys or fails.
    def sam(self, command: list[Any], **_: Any) -> SimpleNamespace:
        [_, verb, *rest] = [str(word) for word in command]
        options = dict(zip(rest[::2], rest[1::2], strict=False))
        stack, template = options["--config-env"], _read(options["--template-file"])
        values = CfnParameterOverridesType().convert((options["--parameter-overrides"],), None, None)
        self.calls.append(f"{verb} {stack}")
        self.told.append((stack, values))
        there = self.stacks.get(stack)
        if there and there.status == "ROLLBACK_COMPLETE":
            return SimpleNamespace(returncode=1)  # no update takes what a failed creation left
        if self.failing.get(stack):
            self.stacks[stack] = Stack(self.failing[stack].pop(0)) if not there else there
            return SimpleNamespace(returncode=1)
        # Of a parameter that it is not told, SAM keeps the value that there is.
        before = there.values if there else {}
        defaults = {name: str(it.get("Default", "")) for name, it in template["Parameters"].items()}
        status = "UPDATE_COMPLETE" if there else "CREATE_COMPLETE"
        protected = bool(there) and there.protected
        self.stacks[stack] = Stack(status, defaults | before | values, _whole(template), protected)
        if stack.endswith("-data"):
            stage = stack.removesuffix("-data")
            for name in ("catalog-stream", "sales-stream"):
                self.parameters[f"/{stage}/{name}"] = f"arn:{name}"
            self.parameters[f"/{stage}/search-url"] = values["SearchUrl"] or f"https://{stage}-search.invalid"
        else:
            self._reserve(stack, template, values)
        return SimpleNamespace(returncode=0)

    def _reserve(self, stage: str, template: Any, values: dict[str, str]) -> None:
        nested = _read(template["Resources"]["Functions"]["Properties"]["Location"])
        for part in of_type(nested, "AWS::Serverless::Application").values():
            for name, function in functions(_read(part["Properties"]["Location"])).items():
                versions = self.versions.setdefault(f"{stage}-{name}", ["0"])
                versions.append(str(int(versions[-1]) + 1))
                if conditional := function["Properties"].get("ReservedConcurrentExecutions"):
                    condition, reserved, _ = conditional["Fn::If"]
                    if values[condition] == "true":
                        number = values[reserved["Ref"]] if isinstance(reserved, dict) else reserved
                        self.reserved[f"{stage}-{name}"] = int(number)

    def get_caller_identity(self) -> Said:
        return {"Account": "123456789012"}

    # CloudFormation
    def describe_stacks(self, StackName: str) -> Said:
        if not (stack := self.stacks.get(StackName)):
            raise Refusal("ValidationError", f"Stack with id {StackName} does not exist")
        values = [{"ParameterKey": name, "ParameterValue": value} for name, value in stack.values.items()]
        outputs = [{"OutputKey": "SourceBucket", "OutputValue": "sams-own"}]
        return {"Stacks": [{"StackName": StackName, "StackStatus": stack.status, "CreationTime": 0,
                            "Parameters": values, "Outputs": outputs}]}

    def delete_stack(self, StackName: str) -> None:
        self.calls.append(f"delete {StackName}")
        del self.stacks[StackName]

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> None:
        self.stacks[StackName].protected = EnableTerminationProtection

    def get_template(self, StackName: str, TemplateStage: str) -> Said:
        return {"TemplateBody": json.dumps(self.stacks[StackName].template)}

    def update_stack(self, StackName: str, TemplateBody: str, Parameters: list[Said], Capabilities: list[str]) -> Said:
        assert len(TemplateBody) <= 51_200, "CloudFormation takes no larger one so"
        values = {it["ParameterKey"]: it["ParameterValue"] for it in Parameters}
        now, then = self.stacks[StackName], json.loads(TemplateBody)
        if (now.template, now.values) == (then, values):
            raise Refusal("ValidationError", "No updates are to be performed.")
        self.calls.append(f"update {StackName}")
        self.stacks[StackName] = Stack("UPDATE_COMPLETE", values, then, now.protected)
        return {}

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> Said:
        return {"StackResourceDetail": {
            "LogicalResourceId": LogicalResourceId, "PhysicalResourceId": "api-id", "ResourceType": "AWS::ApiGateway::RestApi",
            "LastUpdatedTimestamp": 0, "ResourceStatus": "CREATE_COMPLETE"}}

    def list_stack_resources(self, StackName: str) -> Said:
        row = lambda kind, name: {  # noqa: E731
            "LogicalResourceId": "Any", "ResourceType": kind, "PhysicalResourceId": name, "LastUpdatedTimestamp": 0,
            "ResourceStatus": "CREATE_COMPLETE"}
        if not StackName.startswith("arn:"):
            return {"StackResourceSummaries": [row("AWS::CloudFormation::Stack", f"arn:{StackName}")]}
        stage = StackName.removeprefix("arn:")
        own = [name for name in self.versions if name.split("-")[0] == stage]
        return {"StackResourceSummaries": [
            row("AWS::Lambda::Alias", f"arn:aws:lambda:ap-northeast-2:123456789012:function:{name}:live") for name in own]}

    # Secrets and parameters
    def get_parameter(self, Name: str) -> Said:
        return {"Parameter": {"Name": Name, "Value": self.parameters[Name]}}

    def put_parameter(self, Name: str, Value: str, **_: Any) -> None:
        self.parameters[Name] = Value

    def get_secret_value(self, SecretId: str) -> Said:
        if SecretId not in self.secrets:
            raise Refusal("ResourceNotFoundException", "no value")
        return {"SecretString": self.secrets[SecretId]}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:
        self.secrets[SecretId] = SecretString

    # The search domain
    def describe_instance_type_limits(self, InstanceType: str, EngineVersion: str) -> Said:
        return {}

    def describe_domain(self, DomainName: str) -> Said:
        return {"DomainStatus": {"DomainId": "id", "DomainName": DomainName, "ARN": "arn:aws:es:::domain/any",
                                 "EngineVersion": self.engine, "ClusterConfig": {}}}

    def describe_packages(self, Filters: list[Said]) -> Said:
        asked = {it["Name"]: it["Value"] for it in Filters}
        assert (asked["PackageName"], asked["PackageStatus"]) == (["analysis-nori"], ["AVAILABLE"])
        [engine] = asked["EngineVersion"]
        return {"PackageDetailsList": [{"PackageID": self.packages[engine]}] if engine in self.packages else []}

    def list_packages_for_domain(self, DomainName: str) -> Said:
        for package in self.associated:
            self.associated[package] = self.association.pop(0) if self.association else self.associated[package]
        return {"DomainPackageDetailsList": [
            {"PackageID": package, "DomainPackageStatus": status, "ErrorDetails": {"ErrorMessage": "out of memory"}}
            for package, status in self.associated.items()]}

    def associate_package(self, PackageID: str, DomainName: str) -> Said:
        self.calls.append(f"associate {PackageID} {DomainName}")
        self.associated[PackageID] = "ASSOCIATING"
        return {}

    # SES
    def get_email_identity(self, EmailIdentity: str) -> Said:
        if EmailIdentity not in self.proven:
            raise Refusal("NotFoundException", f"Email identity {EmailIdentity} does not exist.")
        return {"VerifiedForSendingStatus": self.proven[EmailIdentity]}

    def get_account(self) -> Said:
        return {"ProductionAccessEnabled": not self.sandbox, "SendQuota": {"MaxSendRate": 14.0}}

    # Lambda
    def get_account_settings(self) -> Said:
        free = self.executions - sum(self.reserved.values())
        return {"AccountLimit": {"ConcurrentExecutions": self.executions, "UnreservedConcurrentExecutions": free}}

    def get_function_concurrency(self, FunctionName: str) -> Said:
        if FunctionName not in self.versions:
            raise Refusal("ResourceNotFoundException", "no such function")
        return {"ReservedConcurrentExecutions": self.reserved[FunctionName]} if FunctionName in self.reserved else {}

    def invoke(self, FunctionName: str, Qualifier: str, Payload: str) -> Said:
        self.calls.append(f"invoke {FunctionName}:{Qualifier}")
        return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(b"{}"), 2)}

    def list_versions_by_function(self, FunctionName: str) -> Said:
        return {"Versions": [{"Version": version} for version in ["$LATEST", *self.versions[FunctionName]]]}

    def get_alias(self, FunctionName: str, Name: str) -> Said:
        return {"Name": Name, "FunctionVersion": self.versions[FunctionName][-1]}

    def delete_function(self, FunctionName: str, Qualifier: str) -> None:
        self.versions[FunctionName].remove(Qualifier)

    # The API
    def get_resources(self, restApiId: str) -> Said:
        paths = ("/v1/health", "/v1/events", "/openapi.json", "/.well-known/jwks.json", "/v1/me", "/v1/payments")
        return {"items": [{"id": path, "path": path} for path in paths]}

    def test_invoke_method(self, restApiId: str, resourceId: str, httpMethod: str, pathWithQueryString: str) -> Said:
        usual = 401 if resourceId in ("/v1/me", "/v1/payments") else 200
        return {"status": self.answers.get(resourceId, usual)}

    # Objects
    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:
        self.objects[f"{Bucket}/{Key}"] = Body

    def get_object(self, Bucket: str, Key: str) -> Said:
        if (body := self.objects.get(f"{Bucket}/{Key}")) is None:
            raise Refusal("NoSuchKey", "no such key")
        return {"Body": StreamingBody(io.BytesIO(body), len(body))}


def _read(template: str) -> Any:
    return json.loads(Path(template).read_text()) if template.endswith(".json") else load(Path(template))


def _whole(template: Any) -> Any:
    """A template with what its nested ones say now, as their addresses in S3 would."""
    whole = json.loads(json.dumps(template))
    if "Functions" in whole["Resources"]:
        nested = _read(whole["Resources"]["Functions"]["Properties"]["Location"])
        hashes = [function["Properties"]["AutoPublishCodeSha256"]
                  for part in of_type(nested, "AWS::Serverless::Application").values()
                  for function in functions(_read(part["Properties"]["Location"])).values()]
        whole["Resources"]["Functions"]["Properties"]["Location"] = f"https://sams-own.invalid/{hash(tuple(hashes))}"
    return whole
