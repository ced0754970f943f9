"""A function that CodeDeploy calls before a new version of another one gets any traffic: it asks that version once, as nobody
and with nothing, and stops the release when it does not answer.

What it asks is in events.json, which `make generate` writes; nothing of it changes anything. Who only operators start is not
asked.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

EVENTS = json.loads(Path(__file__).with_name("events.json").read_text())


def handler(told: dict[str, str], _context: object) -> None:
    codedeploy = boto3.client("codedeploy")
    status = "Failed"
    try:
        faults = list(_faults(codedeploy, told["DeploymentId"]))
        for fault in faults:
            print(json.dumps({"level": "ERROR", "message": "a version is not released", "cause": fault}))
        status = "Failed" if faults else "Succeeded"
    finally:  # or CodeDeploy would wait an hour for a word
        codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=told["DeploymentId"], status=status,
            lifecycleEventHookExecutionId=told["LifecycleEventHookExecutionId"])


def _faults(codedeploy: Any, deployment: str) -> Iterator[str]:
    name, version = _released(codedeploy, deployment)
    event = EVENTS.get(name.partition("-")[2])
    if event is None:
        return
    answer = boto3.client("lambda").invoke(FunctionName=name, Qualifier=version, Payload=json.dumps(event))
    said = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        yield f"{name}:{version} fails: {said}"
    elif "httpMethod" in event and not 200 <= json.loads(said).get("statusCode", 0) < 500:
        yield f"{name}:{version} answers {said}"


def _released(codedeploy: Any, deployment: str) -> tuple[str, str]:
    """Which version of which function is being released. CodeDeploy's target may be empty before it has begun to shift; then
    the revision says it."""
    for target in codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]:
        found = codedeploy.get_deployment_target(deploymentId=deployment, targetId=target)["deploymentTarget"]
        function = found.get("lambdaTarget", {}).get("lambdaFunctionInfo", {})
        if "targetVersion" in function:
            return function["functionName"], function["targetVersion"]
    revision = codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]["revision"]
    content = json.loads((revision.get("string") or revision["appSpecContent"])["content"])
    resources = content.get("Resources") or content["resources"]
    [resource] = [it for resource in resources for it in resource.values()]
    properties = {name.lower(): value for name, value in (resource.get("Properties") or resource["properties"]).items()}
    return properties["name"], str(properties["targetversion"])
