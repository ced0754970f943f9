"""Brings every event of a stage into the search once more: reindex.py <stage>

The worker that keeps the index gets them as if the catalog's stream had brought them. What the index has in the same
version or a newer one stays, so this may run at any time, and again.
"""

import json
import sys
from typing import Any

import boto3

AT_ONCE = 50  # A call to a function carries 6 MB at most.


def reindex(stage: str) -> None:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(
        TableName=f"{stage}-catalog", ConsistentRead=True, PaginationConfig={"PageSize": AT_ONCE})
    sent = 0
    for page in pages:
        records = [record(item, sent + n) for n, item in enumerate(page["Items"]) if item["sk"]["S"] == "EVENT"]
        deliver(stage, records)
        sent += len(records)
        print(f"\r{sent} events", end="", flush=True)
    print()


def record(item: dict[str, Any], number: int) -> dict[str, Any]:
    keys = {name: item[name] for name in ("pk", "sk")}
    change = {"Keys": keys, "NewImage": item, "SequenceNumber": str(number), "SizeBytes": 0,
              "StreamViewType": "NEW_AND_OLD_IMAGES", "ApproximateCreationDateTime": 0}
    return {"eventID": str(number), "eventName": "MODIFY", "eventSource": "aws:dynamodb", "eventVersion": "1.1",
            "awsRegion": boto3.session.Session().region_name, "dynamodb": change}


def deliver(stage: str, records: list[dict[str, Any]]) -> None:
    payload = json.dumps({"Records": records}, ensure_ascii=False).encode()
    answer = boto3.client("lambda").invoke(FunctionName=f"{stage}-index_catalog", Qualifier="live", Payload=payload)
    body = answer["Payload"].read().decode()
    if "FunctionError" in answer or json.loads(body)["batchItemFailures"]:
        raise SystemExit(f"\nThe index did not take some events: {body}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: reindex.py <stage>")
    reindex(sys.argv[1])
