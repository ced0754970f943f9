"""Deploys the project's own templates to the local cloud.

The local cloud knows CloudFormation, but not canaries, and it can make a nested stack but not
update one (what did not change loses its attributes). So the SAM transform runs here, over the root
and every part; each part becomes a stack beside the root; and what the cloud does not know is left
out by the one rule `NOT_LOCAL`.
"""

import hashlib
import io
import json
import logging
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from samtranslator.translator.transform import transform

import keys
from calls import Permission, last_part
from templates import FUNCTIONS, ROOT, Template, functions, load, of_type, parts, stamp, without

REGION = "ap-northeast-2"
NOT_LOCAL = ("AWS::CodeDeploy::", "AWS::WAFv2::WebACLAssociation", "AWS::WAFv2::LoggingConfiguration")
BUCKET = "artifacts"
# In the address of OpenSearch it stands for the function that calls, so that the recorder knows it.
FUNCTION = "FUNCTION"


class DeployError(Exception):
    """Says in one sentence why a stack could not be made."""


@dataclass
class Cloud:
    """A local cloud at `endpoint`; `store` holds the binaries that its functions run."""

    endpoint: str
    store: Path
    used: set[Path] = field(default_factory=set)
    session: Any = field(default_factory=lambda: boto3.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION))

    def client(self, service: str) -> Any:
        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        return self.session.client(service, endpoint_url=self.endpoint, config=config)


def deploy(cloud: Cloud, stage: str, built: Path, search_url: str, **values: str) -> str:
    """Brings both stacks up to date and answers the API's address.

    `built` has the functions' binaries, `values` are parameters of the root template.
    """
    # The translator asks its surroundings for the region.
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it chats about its own toggles
    s3 = cloud.client("s3")
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    # Its owner proves a domain to SES once, by what stands in the DNS.
    cloud.client("sesv2").create_email_identity(EmailIdentity=values["MailFrom"].partition("@")[2])

    data = load(ROOT / "infra/data.yaml")
    put_stack(cloud, f"{stage}-data", data, {"Stage": stage, "SearchUrl": search_url})
    keys.ensure(cloud.session, stage, {
        "kakaopay": "local-kakaopay-secret", "kakao": "local-kakao-secret", "naver": "local-naver-secret",
    }, endpoint_url=cloud.endpoint)

    names = {"SearchUrl": "search-url", "CatalogStream": "catalog-stream",
             "SalesStream": "sales-stream", "JwtPublicKeys": "jwt-public-keys", "TicketPublicKeys": "ticket-public-keys"}
    from_data = {parameter: f"/{stage}/{name}" for parameter, name in names.items()}
    given = {"Stage": stage, "DeploymentPreference": "AllAtOnce", **values}
    ssm = cloud.client("ssm")
    known = {p: ssm.get_parameter(Name=n)["Parameter"]["Value"] for p, n in from_data.items()}

    root = load(ROOT / "template.yaml")
    known |= {p: str(d["Default"]) for p, d in root["Parameters"].items() if "Default" in d} | given
    without(root, set(of_type(root, "AWS::Serverless::Application")))
    api = root["Resources"]["Api"]["Properties"]
    api["DefinitionBody"] = yaml.safe_load((ROOT / "infra/api.yaml").read_text())
    # The local gateway does not look for them in the body.
    api["BinaryMediaTypes"] = api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"]
    put_stack(cloud, stage, expand(root), {**given, **from_data})
    add_fields(cloud.session, search_url)
    for name, part in parts().items():
        passed = {parameter: known[parameter] for parameter in part["Properties"]["Parameters"]}
        template = _part(cloud, FUNCTIONS.parent / part["Properties"]["Location"], built, passed)
        put_stack(cloud, f"{stage}-{name.lower()}", template, passed)

    create_index(cloud.client("lambda"), stage)
    for earlier in set(cloud.store.iterdir()) - cloud.used:
        earlier.unlink()

    api_id = cloud.client("cloudformation").describe_stack_resource(
        StackName=stage, LogicalResourceId="Api")["StackResourceDetail"]["PhysicalResourceId"]
    return f"{cloud.endpoint}/restapis/{api_id}/live/_user_request_"


def add_fields(session: Any, search_url: str) -> None:
    """Teaches the search index the fields of its definition, before anything is deployed that writes them.

    There is no index before the first deployment: then the worker that fills it makes it.
    """
    mappings = json.loads((ROOT / "infra/search/events.json").read_text())["mappings"]
    answer = ask_search(session, "PUT", f"{search_url}/events-write/_mapping", mappings)
    if answer.status_code == 400:
        raise DeployError("The search index can't learn infra/search/events.json by adding fields. Rebuild it by that "
                          f"definition first (infra/runbook.md). It said: {answer.text}")
    if answer.status_code not in (200, 404):
        raise DeployError(f"the search index did not learn its fields: {answer.status_code} {answer.text}")


def ask_search(session: Any, method: str, url: str, body: Any) -> Any:
    """OpenSearch's answer to a signed request; a local one wants no signature."""
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, json.dumps(body).encode())
    if url.startswith("https:"):
        SigV4Auth(session.get_credentials(), "es", session.region_name).add_auth(request)
    return URLLib3Session().send(request.prepare())


def create_index(functions_api: Any, stage: str) -> None:
    """Makes the search index, if there is none: the worker that fills it does so before its first batch."""
    answer = functions_api.invoke(
        FunctionName=f"{stage}-index_catalog", Qualifier="live", Payload=json.dumps({"Records": []}))
    if "FunctionError" in answer:
        raise DeployError(f"the search index was not made: {answer['Payload'].read().decode()}")


def policies(cloud: Cloud) -> dict[str, list[dict[str, Any]]]:
    """What its role lets each function do, by the function's name."""
    functions, iam = cloud.client("lambda"), cloud.client("iam")
    allowed = {}
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            role = function["Role"].rsplit("/", 1)[1]
            names = iam.list_role_policies(RoleName=role)["PolicyNames"]
            documents = (iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names)
            allowed[function["FunctionName"]] = [s for document in documents for s in document["Statement"]]
    return allowed


def calls_of_platform(cloud: Cloud) -> Iterator[tuple[str, list[Permission]]]:
    """What Lambda does in each function's name: it writes its lines and traces, and reads its queue or stream."""
    functions = cloud.client("lambda")
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            group = f"log-group:{function['LoggingConfig']['LogGroup']}:*"
            needed = [("logs:CreateLogStream", group), ("logs:PutLogEvents", group)]
            if function["TracingConfig"]["Mode"] == "Active":
                needed += [("xray:PutTelemetryRecords", "*"), ("xray:PutTraceSegments", "*")]
            yield function["FunctionName"], needed
    for page in functions.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            source = mapping["EventSourceArn"]
            service, resource = source.split(":")[2], last_part(source)
            if service == "sqs":
                needed = [(f"sqs:{action}", resource) for action in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")]
            else:
                needed = [(f"dynamodb:{action}", resource) for action in ("DescribeStream", "GetRecords", "GetShardIterator")]
                needed.append(("dynamodb:ListStreams", resource.rpartition("/")[0] + "/*"))
                needed.append(("sqs:SendMessage", last_part(mapping["DestinationConfig"]["OnFailure"]["Destination"])))
            yield mapping["FunctionArn"].split(":")[6], needed


def _part(cloud: Cloud, path: Path, built: Path, values: dict[str, str]) -> Template:
    """A part's template with its code uploaded."""
    template = load(path)
    missing = {name for name in functions(template) if not (built / name).exists()}
    if missing:
        print(f"  not built yet, left out: {', '.join(sorted(missing))}")
        gone = {id(functions(template)[name]) for name in missing}
        without(template, {n for n, r in template["Resources"].items() if id(r) in gone})
    code = {name: _code(cloud, built / name) for name in functions(template)}
    stamp(template, values, code.__getitem__)
    for name, function in functions(template).items():
        function["Properties"]["CodeUri"] = {"Bucket": BUCKET, "Key": code[name]}
        variables = function["Properties"].get("Environment", {}).get("Variables", {})
        if "OPENSEARCH_URL" in variables:
            variables["OPENSEARCH_URL"] = values["SearchUrl"].replace(FUNCTION, f"{values['Stage']}-{name}")
    return expand(template)


def _code(cloud: Cloud, binary: Path) -> str:
    """Uploads what starts a binary and answers its key, which changes with the binary.

    A development build is tens of megabytes, so the archive has only a line that runs it. The
    line runs a link of its own: the next build replaces the binary, not what runs.
    """
    stat = binary.stat()
    kept = cloud.store / f"{binary.name}-{stat.st_mtime_ns:x}-{stat.st_size:x}"
    cloud.used.add(kept)
    if not kept.exists():
        cloud.store.mkdir(parents=True, exist_ok=True)
        try:
            os.link(binary, kept)
        except OSError:  # on another file system
            shutil.copy2(binary, kept)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        bootstrap = zipfile.ZipInfo("bootstrap")  # always of the same day, so of the same hash
        bootstrap.external_attr = 0o755 << 16
        zipped.writestr(bootstrap, f"#!/bin/sh\nexec '{kept}'\n")
    return _upload(cloud, archive.getvalue(), ".zip")


def expand(template: Template) -> Template:
    """CloudFormation in place of SAM."""
    return transform(template, {"AWS::Region": REGION}, _NoPolicies())


class _NoPolicies:
    """No template names a managed policy by its bare name."""

    def load(self) -> dict[str, str]:
        return {}


def _upload(cloud: Cloud, body: bytes, suffix: str) -> str:
    key = hashlib.sha256(body).hexdigest() + suffix
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return key


def put_stack(cloud: Cloud, name: str, template: Template, values: dict[str, str]) -> None:
    """Creates or updates one stack with what the local cloud knows of it, and waits."""
    formation = cloud.client("cloudformation")
    without(template, {n for n, r in template["Resources"].items() if r["Type"].startswith(NOT_LOCAL)})
    wanted = {
        "StackName": name,
        "TemplateURL": f"{cloud.endpoint}/{BUCKET}/{_upload(cloud, json.dumps(template).encode(), '.json')}",
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        formation.update_stack(**wanted)
    except ClientError as error:
        reason = error.response["Error"]["Message"]
        if "No updates" in reason:
            return
        if "does not exist" not in reason:
            raise DeployError(f"stack {name}: {reason}") from error
        formation.create_stack(**wanted)
    while (stack := formation.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        time.sleep(0.1)
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployError(f"stack {name}: {_why(formation, name)}")


def _why(formation: Any, name: str) -> str:
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [e for e in events if e["ResourceStatus"].endswith("_FAILED")]
    first = min(failed, key=lambda e: e["Timestamp"], default={})
    return f"{first.get('LogicalResourceId')}: {first.get('ResourceStatusReason')}"
