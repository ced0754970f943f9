"""Deploys one stage of samconfig.toml to AWS: data, keys, the search's fields, everything that runs, in this order.

SAM does the deploying. This program puts before it what SAM can't: the hash that decides whether a
function gets a new version, the values of the secrets, and protection from an accidental delete.
The binaries are those in target/lambda (`make lambda`).
"""

import json
import os
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "infra/local"))

import keys  # noqa: E402
from deploy import add_fields, create_index  # noqa: E402
from templates import FUNCTIONS, functions, load, of_type, stamp  # noqa: E402

READY = ROOT / "target/deploy"
BUILT = ROOT / "target/lambda"
KEPT_VERSIONS = 5


def release(stage: str) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    if stage not in config:
        raise SystemExit(f"samconfig.toml has no stage {stage}.")
    own = config[stage]["deploy"]["parameters"]
    session = boto3.Session(region_name=own["region"])

    sam_deploy(f"{stage}-data", ROOT / "infra/data.yaml")
    session.client("cloudformation").update_termination_protection(
        StackName=f"{stage}-data", EnableTerminationProtection=True)
    keys.ensure(session, stage, os.environ.get("KAKAOPAY_SECRET_KEY"))
    if not keys.value_of(session.client("secretsmanager"), f"{stage}/kakaopay"):
        print(f"Nobody can buy yet: {stage}/kakaopay is empty. Deploy once with KAKAOPAY_SECRET_KEY set.")

    # What is deployed next may write fields that the index does not know yet.
    search_url = session.client("ssm").get_parameter(Name=f"/{stage}/search-url")["Parameter"]["Value"]
    add_fields(session, search_url)

    overrides = dict(pair.split("=", 1) for pair in own["parameter_overrides"])
    sam_deploy(stage, prepare(session.client("ssm"), overrides))
    create_index(session.client("lambda"), stage)
    prune(session.client("lambda"), stage)


def prepare(ssm: Any, overrides: dict[str, str]) -> Path:
    """Writes the templates with every function's hash, and answers where the root is."""
    root = load(ROOT / "template.yaml")
    values = {}
    for name, parameter in root["Parameters"].items():
        values[name] = overrides.get(name, str(parameter.get("Default", "")))
        if parameter["Type"].startswith("AWS::SSM::Parameter::Value"):
            values[name] = ssm.get_parameter(Name=values[name])["Parameter"]["Value"]
    READY.mkdir(parents=True, exist_ok=True)
    nested = load(FUNCTIONS)
    for name, part in of_type(nested, "AWS::Serverless::Application").items():
        template = load(FUNCTIONS.parent / part["Properties"]["Location"])
        passed = {parameter: values[parameter] for parameter in part["Properties"]["Parameters"]}
        stamp(template, passed, lambda binary: sha256((BUILT / binary / "bootstrap").read_bytes()).hexdigest())
        for binary, function in functions(template).items():
            function["Properties"]["CodeUri"] = str(BUILT / binary)
        part["Properties"]["Location"] = str(_write(f"{name.lower()}.json", template))
    root["Resources"]["Functions"]["Properties"]["Location"] = str(_write("functions.json", nested))
    body = root["Resources"]["Api"]["Properties"]["DefinitionBody"]
    body["Fn::Transform"]["Parameters"]["Location"] = str(ROOT / "infra/api.yaml")
    return _write("template.json", root)


def _write(name: str, template: Any) -> Path:
    (READY / name).write_text(json.dumps(template, indent=1))
    return READY / name


def sam_deploy(environment: str, template: Path) -> None:
    sam = Path(sys.executable).with_name("sam")
    command = [sam, "deploy", "--config-file", ROOT / "samconfig.toml", "--config-env", environment,
               "--template-file", template, "--no-confirm-changeset"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(f"{environment} was not deployed; SAM said why above.")


def prune(functions_api: Any, stage: str) -> None:
    """Deletes all but the newest versions of each function and what its alias points at, be it old after rollbacks."""
    for page in functions_api.get_paginator("list_functions").paginate():
        for name in (f["FunctionName"] for f in page["Functions"]):
            if name.startswith(f"{stage}-"):
                pages = functions_api.get_paginator("list_versions_by_function").paginate(FunctionName=name)
                versions = [v["Version"] for page in pages for v in page["Versions"] if v["Version"] != "$LATEST"]
                live = functions_api.get_alias(FunctionName=name, Name="live")
                used = {live["FunctionVersion"], *live.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}
                for version in sorted(versions, key=int)[:-KEPT_VERSIONS]:
                    if version not in used:
                        functions_api.delete_function(FunctionName=name, Qualifier=version)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: release.py <stage>")
    release(sys.argv[1])
