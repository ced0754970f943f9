"""Which permissions an AWS call needs, read from its request.

What a request asks for is found with the models of AWS's services that botocore brings, so that no protocol is spelled out
here. What IAM calls otherwise than the API does, and which resource a call is about, is said for each service that we use.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree.ElementTree import fromstring

import botocore.session
from botocore.model import OperationModel, ServiceModel

Input = dict[str, Any]
# An IAM action and the last part of a resource's ARN.
Permission = tuple[str, str]

# Services whose models are called otherwise than their signatures.
MODELS = {"ses": "sesv2", "states": "stepfunctions"}


class Request(NamedTuple):
    method: str
    address: str
    headers: dict[str, str]  # by their names in lower case
    body: bytes


def service_of(request: Request) -> str:
    """Whom a request is signed for, such as `dynamodb`; a link to a file has its signature in the address."""
    signed = request.headers.get("authorization") or unquote(request.address)
    signature = re.search(r"Credential=\S+/([^/]+)/aws4_request", signed)
    return signature[1] if signature else ""


def permissions(request: Request) -> Iterator[Permission]:
    """What a request needs: nothing, if it only opens a connection, without a signature or a word of what it wants."""
    if not (service := service_of(request)):
        return
    model = MODELS.get(service, service)
    rule = RULES.get(service)
    if rule and _protocol(model) == "json" and "x-amz-target" not in request.headers:
        return
    if rule and (found := _operation(model, request)):
        yield from rule(*found)
    else:
        yield f"{service}:unknown", f"{request.method} {request.address}"


@cache
def _model(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def _protocol(model: str) -> str:
    return _model(model).metadata["protocol"]


def _operation(model: str, request: Request) -> tuple[str, Input] | None:
    """The operation of a request and what it is given. Of XML bodies only that is read which says what a call is about."""
    if target := request.headers.get("x-amz-target"):
        return target.rpartition(".")[2], json.loads(request.body)
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if form and "Action" in (given := dict(parse_qsl(request.body.decode()))):
        return given["Action"], given
    body = json.loads(request.body or "{}") if _protocol(model) == "rest-json" else {}
    address = urlsplit(request.address)
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    # Several operations may share an address; the one that asks for most is meant.
    fits = [fit for route in _routes(model) if (fit := route.fit(request, address.path, query))]
    if not fits:
        return None
    _, name, given = max(fits, key=lambda fit: fit[0])
    if name == "DeleteObjects":
        objects = (it for it in fromstring(request.body) if it.tag.endswith("Object"))
        given["Objects"] = [{of.tag.rpartition("}")[2]: of.text for of in it} for it in objects]
    return name, body | given


class Route(NamedTuple):
    """Where a service of resources listens for one operation."""

    model: OperationModel
    path: re.Pattern[str]
    query: dict[str, str]
    members: list[tuple[str, str, str]]  # what is given in the query or a header: its name, which of them, its name there

    def fit(self, request: Request, path: str, query: dict[str, str]) -> tuple[int, str, Input] | None:
        """How much of the request is what the operation asks for, if it has all of that."""
        placed = self.path.fullmatch(path)
        if request.method != self.model.http["method"] or not placed or not self.query.items() <= query.items():
            return None
        given = {name: unquote(value) for name, value in placed.groupdict().items()}
        asked = len(self.query)
        for name, place, key in self.members:
            value = query.get(key) if place == "querystring" else request.headers.get(key.lower())
            if value is not None:
                given[name] = value
            if name in self.model.input_shape.required_members:
                if value is None:
                    return None
                asked += 1
        return asked, self.model.name, given


@cache
def _routes(model: str) -> list[Route]:
    routes = []
    for name in _model(model).operation_names:
        operation = _model(model).operation_model(name)
        path, _, query = operation.http.get("requestUri", "/").partition("?")
        pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda it: f"(?P<{it[1]}>.+)" if it[2] else f"(?P<{it[1]}>[^/]+)", re.escape(path))
        members = operation.input_shape.members if operation.input_shape else {}
        places = [(n, m.serialization.get("location", ""), m.serialization.get("name", n)) for n, m in members.items()]
        elsewhere = [place for place in places if place[1] in ("querystring", "header")]
        # Some write a bucket as a folder.
        routes.append(Route(operation, re.compile(pattern + "/?"), dict(parse_qsl(query, keep_blank_values=True)), elsewhere))
    return routes


# What a part of a transaction needs; the transaction itself is no action in IAM.
PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}


def _dynamodb(operation: str, given: Input) -> Iterator[Permission]:
    match operation:
        case "TransactWriteItems" | "TransactGetItems":
            for item in given["TransactItems"]:
                for kind, part in item.items():
                    yield f"dynamodb:{PARTS[kind]}", f"table/{part['TableName']}"
        case "BatchGetItem" | "BatchWriteItem":
            for table in given["RequestItems"]:
                yield f"dynamodb:{operation}", f"table/{table}"
        case _:
            index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
            yield f"dynamodb:{operation}", f"table/{given.get('TableName')}{index}"


def _events(operation: str, given: Input) -> Iterator[Permission]:
    for bus in {entry.get("EventBusName", "default") for entry in given["Entries"]}:
        yield f"events:{operation}", f"event-bus/{bus}"


# Operations on a bucket's objects that IAM has another action for.
OF_OBJECTS = {
    "HeadObject": "GetObject", "CopyObject": "PutObject", "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject", "UploadPartCopy": "PutObject", "CompleteMultipartUpload": "PutObject", "ListParts": "ListMultipartUploadParts",
}
OF_BUCKETS = {
    "HeadBucket": "ListBucket", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket", "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
}


def _s3(operation: str, given: Input) -> Iterator[Permission]:
    bucket = given.get("Bucket")
    if not bucket:
        yield "s3:ListAllMyBuckets", "*"
    elif "Key" in given:
        version = "Version" if "VersionId" in given else ""
        yield f"s3:{OF_OBJECTS.get(operation, operation)}{version}", f"{bucket}/{given['Key']}"
        if "CopySource" in given:
            yield "s3:GetObject", unquote(given["CopySource"]).lstrip("/").partition("?")[0]
        if "Tagging" in given and operation != "PutObjectTagging":
            yield "s3:PutObjectTagging", f"{bucket}/{given['Key']}"
    elif operation == "DeleteObjects":
        for named in given["Objects"]:
            yield "s3:DeleteObjectVersion" if "VersionId" in named else "s3:DeleteObject", f"{bucket}/{named['Key']}"
    else:
        yield f"s3:{OF_BUCKETS.get(operation, operation)}", bucket


def _scheduler(operation: str, given: Input) -> Iterator[Permission]:
    yield f"scheduler:{operation}", f"schedule/{given.get('GroupName') or given.get('groupName') or 'default'}/{given.get('Name', '*')}"
    if role := given.get("Target", {}).get("RoleArn"):
        yield "iam:PassRole", last_part(role)


def _secretsmanager(operation: str, given: Input) -> Iterator[Permission]:
    yield f"secretsmanager:{operation}", f"secret:{given.get('SecretId')}"


def _ses(operation: str, given: Input) -> Iterator[Permission]:
    content = given.get("Content", {})
    action = "ses:SendRawEmail" if "Raw" in content else f"ses:{operation}"
    sender = re.search(r"[^<\s]+@([^>\s]+)", given.get("FromEmailAddress", ""))
    yield action, f"identity/{sender[1]}" if sender else "*"
    if configuration := given.get("ConfigurationSetName"):
        yield action, f"configuration-set/{configuration}"
    if template := content.get("Template", {}).get("TemplateName"):
        yield action, f"template/{template}"


def _sns(operation: str, given: Input) -> Iterator[Permission]:
    yield f"sns:{operation.removesuffix('Batch')}", last_part(given.get("TopicArn") or given.get("TargetArn") or "*")


def _sqs(operation: str, given: Input) -> Iterator[Permission]:
    queue = given.get("QueueUrl") or given["QueueName"]
    yield f"sqs:{operation.removesuffix('Batch')}", queue.rsplit("/", 1)[-1]


def _states(operation: str, given: Input) -> Iterator[Permission]:
    # Who answers a task knows its token only.
    yield f"states:{operation}", last_part(given.get("stateMachineArn") or given.get("executionArn") or "*")


def _sts(operation: str, given: Input) -> Iterator[Permission]:
    if operation != "GetCallerIdentity":  # which needs no permission
        yield f"sts:{operation}", last_part(given.get("RoleArn", "*"))


RULES: dict[str, Callable[[str, Input], Iterator[Permission]]] = {
    "dynamodb": _dynamodb, "events": _events, "s3": _s3, "scheduler": _scheduler, "secretsmanager": _secretsmanager,
    "ses": _ses, "sns": _sns, "sqs": _sqs, "states": _states, "sts": _sts,
}


def last_part(arn: str) -> str:
    return arn.split(":", 5)[-1]
