"""The project's templates, read as CloudFormation would and made ready for either cloud."""

import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions/template.yaml"
Template = dict[str, Any]


def load(path: Path) -> Template:
    """One template, short forms such as `!Ref` written out."""
    return copy.deepcopy(_parsed(path.read_text()))


_parsed = cache(yaml_parse)  # it takes a second for all parts


def of_type(template: Template, kind: str) -> dict[str, Template]:
    return {name: r for name, r in template["Resources"].items() if r["Type"] == kind}


def functions(template: Template) -> dict[str, Template]:
    """The functions of a part by the name of their binary, which is their endpoint's."""
    return {
        Path(function["Properties"]["CodeUri"]).name: function
        for function in of_type(template, "AWS::Serverless::Function").values()
    }


def parts() -> dict[str, Template]:
    """The parts of the business, as applications whose parameters bear the names of the root's."""
    return of_type(load(FUNCTIONS), "AWS::Serverless::Application")


# What is no part of a version: publishing one for their sake would fail.
UNVERSIONED = {"AutoPublishAlias", "DeploymentPreference", "Events", "ReservedConcurrentExecutions"}


def stamp(template: Template, values: dict[str, str], code_hash: Callable[[str], str]) -> None:
    """Gives each function of a part the hash that decides when a new version is published.

    SAM alone looks at the code and misses a parameter's new value, and CloudFormation refuses to
    publish a version when nothing changed. So the hash is of the code, the properties, and the
    values of just those parameters that the properties mention.
    """
    common = template.get("Globals", {}).get("Function", {})
    for name, function in functions(template).items():
        versioned = [{k: v for k, v in part.items() if k not in UNVERSIONED} for part in (common, function["Properties"])]
        mentioned = set(references(versioned))
        used = {parameter: value for parameter, value in values.items() if parameter in mentioned}
        text = json.dumps([code_hash(name), versioned, used], sort_keys=True)
        function["Properties"]["AutoPublishCodeSha256"] = hashlib.sha256(text.encode()).hexdigest()


def without(template: Template, gone: set[str]) -> None:
    """Takes resources out, and whatever cannot be without them."""
    while gone:
        resources = template["Resources"] = {
            name: r for name, r in template["Resources"].items() if name not in gone
        }
        for resource in resources.values():
            needed = resource.get("DependsOn", [])
            needed = [needed] if isinstance(needed, str) else needed
            resource["DependsOn"] = [name for name in needed if name not in gone]
            if gone & set(references(resource.get("UpdatePolicy"))):
                del resource["UpdatePolicy"]
        outputs = template.get("Outputs", {}).items()
        template["Outputs"] = {k: v for k, v in outputs if not gone & set(references(v))}
        gone = {n for n, r in resources.items() if gone & set(references(r.get("Properties")))}


def references(node: Any) -> Iterator[str]:
    """Names that `Ref`, `Fn::GetAtt` and `Fn::Sub` below a node refer to."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else value[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)", value if isinstance(value, str) else value[0])
            yield from references(value)
