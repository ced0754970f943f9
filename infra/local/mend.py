"""Makes the search of a local stack anew when it does not tell what the table does: one may have lost what the other kept."""

import json
import time
from typing import Any

from deploy import Cloud, DeployError, ask_search

# A change that was made just now is on its way from the one to the other.
PATIENCE_SECONDS = 10


def mend_search(cloud: Cloud, stage: str, search_url: str) -> bool:
    """Whether it had to be made anew."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while in_table(cloud, stage) != in_search(cloud.session, search_url):
        if time.monotonic() > patience:
            answer = cloud.client("lambda").invoke(FunctionName=f"{stage}-rebuild_index", Qualifier="live", Payload=b"{}")
            if "FunctionError" in answer:
                raise DeployError(f"the search was not made anew: {answer['Payload'].read().decode()}")
            return True
        time.sleep(0.5)
    return False


def in_table(cloud: Cloud, stage: str) -> dict[str, int]:
    """The version of each event that is there to be found."""
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(
        TableName=f"{stage}-catalog", ConsistentRead=True, FilterExpression="sk = :event AND attribute_not_exists(deletedAt)",
        ExpressionAttributeValues={":event": {"S": "EVENT"}})
    return {item["pk"]["S"].removeprefix("EVT#"): int(item["version"]["N"]) for page in pages for item in page["Items"]}


def in_search(session: Any, search_url: str) -> dict[str, int]:
    """The same as the search has it: at most 10,000, as many as it answers at once."""
    found = {"query": {"bool": {"must_not": {"term": {"deleted": True}}}}, "size": 10_000, "version": True, "_source": False}
    answer = ask_search(session, "POST", f"{search_url}/events/_search", found)
    if answer.status_code != 200:
        raise DeployError(f"the search does not say what it has: {answer.status_code} {answer.text}")
    return {hit["_id"]: hit["_version"] for hit in json.loads(answer.text)["hits"]["hits"]}
