"""Who sends the requests that schemathesis makes, from where, and about which things: many people at many addresses, as limits
are counted by both, and shows and payments that there are."""

import itertools
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import requests
import schemathesis
from requests.adapters import HTTPAdapter

sys.path.insert(0, str(Path(__file__).parents[2] / "infra/local"))

from seed import code

ADDRESS, KAKAOPAY = os.environ["SPOTLIGHT_URL"], os.environ["KAKAOPAY_URL"]
PASSWORD = "correct horse battery"

turns, callers = itertools.count(), itertools.count()


class From(HTTPAdapter):
    """Calls from an address of its own: all of 127.0.0.0/8 is this machine."""

    def init_poolmanager(self, *arguments: Any, **given: Any) -> None:
        address = str(IPv4Address("127.1.0.1") + next(callers))
        super().init_poolmanager(*arguments, source_address=(address, 0), **given)


# Of every request, whoever makes it.
requests.Session.get_adapter = lambda self, url: From()


def post(path: str, body: Any = None, token: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex} if token else {}
    answer = requests.post(ADDRESS + path, json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer


class Member:
    """One who is signed in, for as long as a token lasts, or for so many requests."""

    def __init__(self, requests: float = float("inf")) -> None:
        self.who = {"email": f"{uuid4().hex}@fuzz.spotlight.example", "password": PASSWORD}
        asked = post("/v1/auth/sign-up", self.who | {"nickname": "누구나", "role": "ARTIST", "fourteenOrOlder": True}).json()
        post("/v1/auth/email-codes/verify", asked | {"code": code(ADDRESS, self.who["email"])})
        self.left = requests
        self.sign_in()

    def sign_in(self) -> None:
        answer = post("/v1/auth/sign-in", self.who)
        self.id, self.token, self.cookie = answer.json()["member"]["id"], answer.json()["accessToken"], answer.cookies["refresh"]
        self.renew = time.monotonic() + 600

    def turn(self) -> str:
        self.left -= 1
        if time.monotonic() > self.renew:
            self.sign_in()
        return self.token

    def session(self) -> str:
        mine = requests.get(f"{ADDRESS}/v1/me/sessions", headers={"Authorization": f"Bearer {self.token}"}, timeout=30)
        return mine.json()["items"][0]["id"] if mine.ok else "ses_" + 26 * "0"

    def publish(self) -> str:
        now = datetime.now(timezone.utc)
        show = {
            "title": "아무 말 대잔치", "place": "망원동 소극장", "content": "아무거나 받는 공연.", "category": "MUSIC",
            "capacity": 100_000, "price": 30_000, "startsAt": now + timedelta(30), "endsAt": now + timedelta(31),
            "saleStartsAt": now - timedelta(1), "saleEndsAt": now + timedelta(29),
        }
        return post("/v1/events", json.loads(json.dumps(show, default=datetime.isoformat)), self.token).json()["id"]

    def buy(self, event: str) -> dict[str, str]:
        """Variables of the address that KakaoPay sends a payer back to."""
        order = {"purpose": "TICKETS", "eventId": event, "quantity": 1}
        payment = post("/v1/payments", order, self.token).json()["id"]
        page = requests.post(f"{KAKAOPAY}/_sim/payments/{payment}/approve", timeout=30).json()
        back = urlsplit(page["return_url"])
        return {"paymentId": payment, "token": back.path.split("/")[-2], "pg_token": parse_qs(back.query)["pg_token"][0]}


def door_key(event: str) -> str:
    """A door key of a show of the owner's that was not revoked yet."""
    path = f"/v1/events/{event}/door-keys"
    kept = requests.get(ADDRESS + path, headers={"Authorization": f"Bearer {owner.turn()}"}, timeout=30).json().get("items")
    return kept[0]["id"] if kept else post(path, {"name": "정문"}, owner.turn()).json()["id"]


def offer() -> dict[str, str]:
    """A coupon, by an operator's order."""
    function = f"{os.environ['AWS_ENDPOINT_URL']}/2015-03-31/functions/{os.environ['STAGE']}-manage_coupons:live/invocations"
    last = datetime.now(timezone.utc).date() + timedelta(30)
    order = {"create": {"discount": 5_000, "quota": 100_000, "expiresOn": last.isoformat()}}
    return requests.post(function, json=order, timeout=30).json()["coupons"][0]


# Whose lists are not empty: one bought ticket, and payments to come back to.
owner = Member()
ARTISTS = [Member().id for _ in range(2)]  # others: nobody follows themselves
COUPONS = [offer() for _ in range(2)]
EVENTS = [owner.publish() for _ in range(4)]
PAYMENTS = [owner.buy(event) for event in EVENTS]
requests.get(
    f"{ADDRESS}/v1/payments/{PAYMENTS[0]['paymentId']}/returns/{PAYMENTS[0]['token']}/approve",
    params={"pg_token": PAYMENTS[0]["pg_token"]}, timeout=30,
).raise_for_status()

[TICKET] = requests.get(f"{ADDRESS}/v1/me/tickets", headers={"Authorization": f"Bearer {owner.token}"}, timeout=30).json()["items"]

# Somebody new after so many requests, where what one person may do is limited, or ends with it.
PATIENCE = {
    "delete_me": 1, "sign_out": 1, "end_my_session": 2, "export_me": 10, "create_payment": 3, "create_event": 5,
    "claim_coupon": 10, "claim_coupon_by_code": 10, "delete_event": 2,
}
lock = threading.Lock()
busy: dict[str, Member] = {}


def leaver() -> Member:
    """Whoever ends a session of their own next."""
    return busy.get("end_my_session") or Member(PATIENCE["end_my_session"])


def ender() -> Member:
    """Whoever ends an event of their own next."""
    return busy.get("delete_event") or Member(PATIENCE["delete_event"])


def refresher() -> Member:
    """Whose session is refreshed next. Of the owner it would end: a token that comes again after a minute was stolen."""
    with lock:
        if "refresh" not in busy or not busy["refresh"].left:
            busy["refresh"] = Member(10)
        busy["refresh"].left -= 1
        return busy["refresh"]


def name(case: schemathesis.Case) -> str:
    return case.operation.definition.raw["operationId"]


@schemathesis.auth(refresh_interval=None)
class SomebodySignedIn:
    def get(self, case: schemathesis.Case, _: Any) -> str:
        with lock:
            patience = PATIENCE.get(name(case))
            if patience is None:
                return owner.turn()
            if name(case) not in busy or not busy[name(case)].left:
                busy[name(case)] = Member(patience)
            return busy[name(case)].turn()

    def set(self, case: schemathesis.Case, token: str, _: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


# What is well formed is put in the place of what is well formed, so that what was made to be wrong stays wrong.
KEY = re.compile("[!-~]{1,255}")
KNOWN: dict[str, tuple[re.Pattern[str], Callable[[int], str]]] = {
    "artistId": (re.compile("mem_[0-7][0-9A-HJKMNP-TV-Z]{25}"), lambda turn: ARTISTS[turn % 2]),
    "code": (re.compile("[A-Z0-9]{4}(-[A-Z0-9]{4}){2}"), lambda turn: COUPONS[turn % 2]["code"]),
    "couponId": (re.compile("cpn_[0-7][0-9A-HJKMNP-TV-Z]{25}"), lambda turn: COUPONS[turn % 2]["id"]),
    "doorKeyId": (re.compile("dok_[0-7][0-9A-HJKMNP-TV-Z]{25}"), lambda turn: door_key(EVENTS[turn % 4])),
    "eventId": (re.compile("evt_[0-7][0-9A-HJKMNP-TV-Z]{25}"), lambda turn: EVENTS[turn % 4]),
    "paymentId": (re.compile("pay_[0-7][0-9A-HJKMNP-TV-Z]{25}"), lambda turn: PAYMENTS[turn % 4]["paymentId"]),
    "sessionId": (re.compile("ses_[0-7][0-9A-HJKMNP-TV-Z]{25}"), lambda _: leaver().session()),
    "ticketId": (re.compile("tkt_[0-7][0-9A-HJKMNP-TV-Z]{25}"), lambda _: TICKET["id"]),
    "token": (re.compile("[0-9a-f]{48}"), lambda turn: PAYMENTS[turn % 4]["token"]),
    # Of nobody yet: attempts are counted by account.
    "email": (re.compile(r"[a-z0-9]+@[a-z0-9]+\.[a-z]+"), lambda _: f"{uuid4().hex}@fuzz.spotlight.example"),
    "phone": (re.compile("010-[0-9]{4}-[0-9]{4}"), lambda turn: f"010-{turn // 10_000:04}-{turn % 10_000:04}"),
    "pg_token": (KEY, lambda turn: PAYMENTS[turn % 4]["pg_token"]),
}


TAG = re.compile(r'(W/)?"[!#-~]*"')


@schemathesis.hook
def before_call(_: Any, case: schemathesis.Case, **__: Any) -> None:
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and KEY.fullmatch(key):
        # One that was used before would be refused for that.
        case.headers["Idempotency-Key"] = uuid4().hex
    turn = next(turns)
    if turn % 2:
        return
    if TAG.fullmatch(str((case.headers or {}).get("If-Match", ""))):
        case.headers["If-Match"] = "*"
    # Every other time it is about what there is.
    for values in (case.body, case.path_parameters, case.query):
        for known, (form, value) in KNOWN.items():
            if isinstance(values, dict) and form.fullmatch(str(values.get(known, ""))):
                values[known] = value(turn // 2)
    if name(case) == "delete_event" and case.path_parameters["eventId"] in EVENTS:
        # All others go on with those that there are.
        case.path_parameters["eventId"] = ender().publish()
    if name(case) == "refresh":
        case.cookies = {"refresh": refresher().cookie}


# What no schema can say: which characters people see and how many they count, what day was yesterday, what too many people have
# chosen before, and rules over several fields.
BEYOND_A_SCHEMA = {
    "title": {"FORMAT", "LENGTH"}, "place": {"FORMAT", "LENGTH"}, "content": {"FORMAT", "LENGTH"}, "q": {"FORMAT", "LENGTH"},
    "nickname": {"FORMAT", "LENGTH"}, "password": {"COMMON_PASSWORD", "FORMAT", "LENGTH", "OWN_NAME"}, "birthDate": {"RANGE", "UNDER_14"},
    "name": {"FORMAT", "LENGTH"}, "device": {"FORMAT", "LENGTH", "MISSING", "UNKNOWN_FIELD"},
    "payload": {"MISSING", "UNKNOWN_FIELD"}, "scannedAt": {"MISSING", "UNKNOWN_FIELD"},
    # What belongs to an order its purpose says; what goes back, whether it has tickets.
    **dict.fromkeys(("eventId", "quantity", "claimId", "points", "offerId", "artistId", "amount"), {"MISSING", "UNKNOWN_FIELD"}),
    "message": {"FORMAT", "LENGTH", "UNKNOWN_FIELD"}, "ticketIds": {"LENGTH"},
    "startsAt": {"NOTICE", "STARTED"}, "termsVersion": {"UNKNOWN_FIELD"}, "refundPolicy": {"STRICTER"}, "state": {"CHOICE"}, "endsAt": {"AFTER", "PAST"}, "saleEndsAt": {"AFTER", "NOT_AFTER", "PAST"},
    "price": {"RANGE"}, "priceMax": {"RANGE"}, "saleFrom": {"NOT_AFTER"}, "startFrom": {"NOT_AFTER"},
}


@schemathesis.check
def what_the_document_allows_is_taken(_: Any, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """In the place of `positive_data_acceptance`, which knows statuses and no codes."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 413, 415, 422):
        return
    problem = response.json()
    code, faults = problem["code"], problem["errors"]
    assert code not in {"NOT_JSON", "BAD_REQUEST", "BODY_TOO_LARGE", "NOT_JSON_TYPE"}, code
    for fault in faults if code == "INVALID_FIELDS" else []:
        field = fault.get("name") or fault["pointer"].rpartition("/")[2]
        assert fault["code"] in BEYOND_A_SCHEMA.get(field, ()), f"the document allows it: {fault}"
