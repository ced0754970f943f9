"""Korean for OpenSearch in AWS, where its analyzer, nori, is a package that each domain must be given.

There is one for each version of the engine, and no template can associate it.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from deploy import DeployError, ask_search
from templates import ROOT

PACKAGE = "analysis-nori"
# A domain that is given a package is built anew beside itself, and its shards move over.
PATIENCE_MINUTES = 90


def missing(opensearch: Any, engine: str, instance: str) -> Iterator[str]:
    """What a domain of this engine would lack."""
    try:
        opensearch.describe_instance_type_limits(InstanceType=instance, EngineVersion=engine)
    except ClientError as error:
        yield f"There is no {instance} with {engine} here: {error.response['Error']['Message']}."
        return
    if not _package(opensearch, engine):
        yield _no_package(engine)


def associate(opensearch: Any, domain: str) -> None:
    """Gives a domain the package of its engine's version, unless it has it, and waits until it is there."""
    engine = opensearch.describe_domain(DomainName=domain)["DomainStatus"]["EngineVersion"]
    package = _package(opensearch, engine)
    if not package:
        raise DeployError(_no_package(engine))
    if _association(opensearch, domain, package).get("DomainPackageStatus") not in ("ACTIVE", "ASSOCIATING"):
        print(f"giving {domain} Korean ({PACKAGE} of {engine}); it takes half an hour")
        opensearch.associate_package(PackageID=package, DomainName=domain)
    for _ in range(PATIENCE_MINUTES * 2):
        association = _association(opensearch, domain, package)
        match association.get("DomainPackageStatus"):
            case "ACTIVE":
                return
            case "ASSOCIATION_FAILED":
                reason = association.get("ErrorDetails", {}).get("ErrorMessage", "AWS does not say why")
                raise DeployError(f"{domain} can't be given Korean ({PACKAGE}): {reason}.")
        time.sleep(30)
    raise DeployError(f"{domain} was not given Korean ({PACKAGE}) within {PATIENCE_MINUTES} minutes: deploy again later.")


def require(session: Any, search_url: str) -> None:
    """Lets nothing be deployed that needs Korean where OpenSearch does not know it."""
    analysis = json.loads((ROOT / "infra/search/events.json").read_text())["settings"]["analysis"]
    analyzer = analysis["analyzer"]["korean"]
    text = {"text": "소극장에서", "tokenizer": analysis["tokenizer"][analyzer["tokenizer"]], "filter": analyzer["filter"]}
    answer = ask_search(session, "POST", f"{search_url}/_analyze", text)
    if answer.status_code != 200:
        raise DeployError(f"{search_url} does not know Korean: give it {PACKAGE} (infra/runbook.md). "
                          f"It said: {answer.status_code} {answer.text}")


def _package(opensearch: Any, engine: str) -> str | None:
    wanted = {"PackageName": PACKAGE, "EngineVersion": engine, "PackageStatus": "AVAILABLE"}
    filters = [{"Name": name, "Value": [value]} for name, value in wanted.items()]
    found = opensearch.describe_packages(Filters=filters)["PackageDetailsList"]
    return found[0]["PackageID"] if found else None


def _no_package(engine: str) -> str:
    return f"AWS has no package {PACKAGE} for {engine}, and without Korean there is no search: see infra/runbook.md."


def _association(opensearch: Any, domain: str, package: str) -> dict[str, Any]:
    associated = opensearch.list_packages_for_domain(DomainName=domain)["DomainPackageDetailsList"]
    return next((it for it in associated if it["PackageID"] == package), {})
