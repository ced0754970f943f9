"""Offers the coupons of the programme on a local stack, by the orders that an operator gives."""

import datetime
import json
from typing import Any

from deploy import Cloud, DeployError
from programme import COUPONS
from seed import KOREA


def offer_coupons(cloud: Cloud, stage: str) -> None:
    """Offers what is missing; what has expired lasts on."""
    today = datetime.datetime.now(KOREA).date()
    known: dict[str, dict[str, Any]] = {}
    page: dict[str, Any] = {"next": None}
    while "next" in page:
        page = _order(cloud, stage, {"list": {"after": page["next"]}})
        known |= {coupon["code"]: coupon for coupon in page["coupons"]}
    for coupon in COUPONS:
        last = (today + datetime.timedelta(days=coupon.days)).isoformat()
        there = known.get(coupon.code)
        if there is None:
            _order(cloud, stage, {"create": {
                "code": coupon.code, "discount": coupon.discount, "quota": coupon.quota, "expiresOn": last}})
        elif "withdrawnAt" not in there and there["expiresOn"] < today.isoformat():
            _order(cloud, stage, {"change": {"id": there["id"], "expiresOn": last}})
    print(f"  {len(COUPONS)} coupons: {', '.join(coupon.code for coupon in COUPONS)}")


def _order(cloud: Cloud, stage: str, order: dict[str, Any]) -> dict[str, Any]:
    answer = cloud.client("lambda").invoke(
        FunctionName=f"{stage}-manage_coupons", Qualifier="live", Payload=json.dumps(order).encode())
    managed = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise DeployError(f"{json.dumps(order)} was not done: {managed}")
    return managed
