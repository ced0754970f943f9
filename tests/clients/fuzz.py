"""Who sends the requests that schemathesis makes, from where, and about which things: many people at many addresses, as limits
are counted by both, and shows that there are."""

import itertools
import json
import os
import re
import threading
import urllib.request
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address
from typing import Any
from uuid import uuid4

import requests
import schemathesis
from requests.adapters import HTTPAdapter

ADDRESS = os.environ["SPOTLIGHT_URL"]
PASSWORD = "correct horse battery"
# So many requests by one person, where what one person may do is limited; elsewhere the same one sends all.
PATIENCE = {"sign_out": 1, "create_payment": 3, "create_event": 5}
KEY = re.compile("[!-~]{1,255}")
EVENT_ID = re.compile("evt_[0-7][0-9A-HJKMNP-TV-Z]{25}")

lock = threading.Lock()
tokens: dict[str, tuple[str, int]] = {}
turns, callers = itertools.count(), itertools.count()


class From(HTTPAdapter):
    """Calls from an address of its own: all of 127.0.0.0/8 is this machine."""

    def init_poolmanager(self, *arguments: Any, **given: Any) -> None:
        address = str(IPv4Address("127.1.0.1") + next(callers))
        super().init_poolmanager(*arguments, source_address=(address, 0), **given)


# Of every request, whoever makes it.
requests.Session.get_adapter = lambda *_: From()


def post(path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = requests.post(ADDRESS + path, json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def sign_in(role: str) -> str:
    who = {"email": f"{uuid4().hex}@fuzz.spotlight.example", "password": PASSWORD}
    post("/v1/auth/sign-up", who | {"nickname": "누구나", "role": role})
    return post("/v1/auth/sign-in", who)["accessToken"]


def publish() -> str:
    now = datetime.now(timezone.utc)
    show = {
        "title": "아무 말 대잔치", "place": "망원동 소극장", "content": "아무거나 받는 공연.", "category": "MUSIC",
        "capacity": 100_000, "price": 30_000, "startsAt": now + timedelta(30), "endsAt": now + timedelta(31),
        "saleStartsAt": now - timedelta(1), "saleEndsAt": now + timedelta(29),
    }
    body = json.loads(json.dumps(show, default=datetime.isoformat))
    headers = {"Authorization": f"Bearer {sign_in('ARTIST')}", "Idempotency-Key": uuid4().hex}
    return post("/v1/events", body, **headers)["id"]


EVENTS = [publish() for _ in range(3)]


@schemathesis.auth(refresh_interval=None)
class SomebodySignedIn:
    def get(self, case: schemathesis.Case, _: Any) -> str:
        name = case.operation.definition.raw["operationId"]
        with lock:
            token, left = tokens.get(name, ("", 0))
            if not left:
                token, left = sign_in("ARTIST"), PATIENCE.get(name, 200)
            tokens[name] = token, left - 1
        return token

    def set(self, case: schemathesis.Case, token: str, _: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


@schemathesis.hook
def before_call(_: Any, case: schemathesis.Case, **__: Any) -> None:
    # A key that was used before would be refused for that.
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and KEY.fullmatch(key):
        case.headers["Idempotency-Key"] = uuid4().hex
    # Every other time it is about a show that there is.
    turn = next(turns)
    if turn % 2:
        return
    for values in (case.body, case.path_parameters):
        if isinstance(values, dict) and EVENT_ID.fullmatch(str(values.get("eventId"))):
            values["eventId"] = EVENTS[turn // 2 % len(EVENTS)]
