"""The same two reads as our get_event (the event, its stock), as a Python team would write it: boto3.

The loop is Lambda's runtime interface and no more, which flatters Python: its managed runtime does more.
"""

import http.client
import json
import os

import boto3

dynamodb = boto3.client("dynamodb")
prefix = os.environ["TABLE_PREFIX"]


def read_event(event_id):
    key = {"pk": {"S": f"EVT#{event_id}"}, "sk": {"S": "EVENT"}}
    return dynamodb.get_item(TableName=f"{prefix}-catalog", Key=key).get("Item")


def read_stock(event_id, shards):
    keys = [{"pk": {"S": f"EVT#{event_id}#STOCK#{n}"}, "sk": {"S": "STOCK"}} for n in range(shards)]
    table = f"{prefix}-sales"
    return dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})["Responses"][table]


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
    item = read_event(event["pathParameters"]["eventId"])
    if item is None:
        return {"statusCode": 404, "body": "{}"}
    view = plain({"M": item})
    del view["pk"], view["sk"]
    stock = read_stock(view["id"], view["shards"])
    view["seatsLeft"] = sum(plain({"M": shard})["free"] for shard in stock)
    headers = {"content-type": "application/json", "etag": f'"{view["version"]}-{view["seatsLeft"]}"'}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(view, ensure_ascii=False)}


# Opens the connection and loads the credentials before the first event, as our functions do.
read_event("nobody")
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    following = api.getresponse()
    answer = json.dumps(handle(json.loads(following.read())))
    request_id = following.headers["lambda-runtime-aws-request-id"]
    api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", answer.encode())
    api.getresponse().read()
