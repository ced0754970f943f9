"""The same read as our get_event, as a Python team would write it: boto3.

The loop is Lambda's runtime interface and no more, which flatters Python: its managed runtime does more.
"""

import http.client
import json
import os

import boto3

dynamodb = boto3.client("dynamodb")


def read(pk, sk):
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return dynamodb.get_item(TableName=os.environ["TABLE"], Key=key).get("Item")


def plain(value):
    (kind, inner), = value.items()
    if kind == "N":
        return int(inner)
    if kind == "NULL":
        return None
    if kind == "L":
        return [plain(each) for each in inner]
    if kind == "M":
        return {name: plain(each) for name, each in inner.items()}
    return inner


def handle(event):
    item = read(os.environ["PK"].replace("{}", event["pathParameters"]["eventId"]), os.environ["SK"])
    if item is None:
        return {"statusCode": 404, "body": "{}"}
    body = json.dumps(plain({"M": item}), ensure_ascii=False)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}


# Opens the connection and loads the credentials before the first event, as our functions do.
read("nobody", "nothing")
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    following = api.getresponse()
    answer = json.dumps(handle(json.loads(following.read())))
    request_id = following.headers["lambda-runtime-aws-request-id"]
    api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", answer.encode())
    api.getresponse().read()
