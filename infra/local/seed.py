"""Fills a stack with members and a season of events, over the API as anybody would."""

import datetime
import json
import re
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

from programme import ARTISTS, PROGRAMME, Show

PASSWORD = "spotlight-local-1"
# Whom `make up` promises.
PROMISED = [("fan", "첫 관객", "USER"), ("artist", ARTISTS["artist"], "ARTIST")]
# For what is only mailed a moment later.
MAIL_SECONDS = 60
KOREA = datetime.timezone(datetime.timedelta(hours=9))


class SeedError(Exception):
    """Says in one sentence what keeps the stack from being filled."""


def mail(url: str, email: str) -> list[dict[str, str]]:
    """What was mailed to an address, the newest first; the local stack alone shows it."""
    with urllib.request.urlopen(f"{url}/dev/mail?{urlencode({'to': email})}", timeout=30) as answer:
        return json.load(answer)["items"]


def code(url: str, email: str, before: int = 0) -> str:
    """The code that is mailed to an address that got so many mails before."""
    deadline = time.monotonic() + MAIL_SECONDS
    while True:
        letters = mail(url, email)
        for letter in letters[:len(letters) - before]:
            if found := re.search(r"^ +(\d{6})$", letter["text"], re.MULTILINE):
                return found[1]
        if time.monotonic() > deadline:
            raise SeedError(f"No code was mailed to {email} within {MAIL_SECONDS} s.")
        time.sleep(0.1)


class Api:
    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(
            self.url + path, method=method, headers=headers,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def member(self, name: str, nickname: str, role: str) -> str:
        """Signs somebody in, and up before if need be, and answers an access token."""
        who = {"email": f"{name}@spotlight.example", "password": PASSWORD}
        status, answer = self.call("POST", "/v1/auth/sign-in", who)
        if status == 401:
            self.sign_up(who | {"nickname": nickname, "role": role, "fourteenOrOlder": True})
            status, answer = self.call("POST", "/v1/auth/sign-in", who)
        if status != 200:
            raise SeedError(f"signing in {name}: {answer}")
        return answer["accessToken"]

    def sign_up(self, who: dict[str, str]) -> None:
        """Signs somebody up, and shows the code that is mailed."""
        status, answer = self.call("POST", "/v1/auth/sign-up", who)
        if status == 202:
            status, answer = self.call("POST", "/v1/auth/email-codes/verify", answer | {"code": code(self.url, who["email"])})
        if status != 200:
            raise SeedError(f"signing up {who['email']}: {answer}")

    def publish(self, show: Show, token: str, today: datetime.datetime) -> None:
        # The same on the same day: a run that was cut short goes on where it stopped.
        key = f"programme-{today:%Y%m%d}-{PROGRAMME.index(show)}"
        status, answer = self.call(
            "POST", "/v1/events", event(show, today),
            **{"Authorization": f"Bearer {token}", "Idempotency-Key": key})
        if status != 201:
            raise SeedError(f"publishing {show.title}: {answer}")


def event(show: Show, today: datetime.datetime) -> dict[str, Any]:
    starts = today + datetime.timedelta(days=show.day, hours=show.hour)
    sale = {
        "open": (today - datetime.timedelta(days=14), starts),
        "closed": (today - datetime.timedelta(days=30), today - datetime.timedelta(days=1)),
        "later": (today + datetime.timedelta(days=7, hours=10), starts),
    }[show.sale]
    return {
        "title": show.title, "place": show.place, "content": show.content, "category": show.category,
        "price": show.price, "capacity": show.capacity,
        "startsAt": starts.isoformat(), "endsAt": (starts + datetime.timedelta(hours=show.hours)).isoformat(),
        "saleStartsAt": sale[0].isoformat(), "saleEndsAt": sale[1].isoformat(),
    }


def published(api: Api) -> set[str]:
    """The titles of all events that the search knows."""
    titles: set[str] = set()
    page: dict[str, Any] = {"nextCursor": None}
    while "nextCursor" in page:
        after = f"&cursor={page['nextCursor']}" if page["nextCursor"] else ""
        status, page = api.call("GET", f"/v1/events?limit=50{after}")
        if status != 200:
            raise SeedError(f"The search does not answer: {page}")
        titles |= {event["title"] for event in page["items"]}
    return titles


def seed(url: str) -> None:
    """Publishes what is missing of the programme, and proves the accounts by signing in."""
    api = Api(url)
    for name, nickname, role in PROMISED:
        api.member(name, nickname, role)
    today = datetime.datetime.now(KOREA).replace(hour=0, minute=0, second=0, microsecond=0)
    known = published(api)

    def season(artist: str) -> None:
        if missing := [show for show in PROGRAMME if show.artist == artist and show.title not in known]:
            token = api.member(artist, ARTISTS[artist], "ARTIST")
            for show in missing:
                api.publish(show, token, today)

    # No more at once than there are processors on a small machine.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(season, ARTISTS))

    deadline = time.monotonic() + 60
    while missing := {show.title for show in PROGRAMME} - published(api):
        if time.monotonic() > deadline:
            raise SeedError(f"The programme is published, but search does not find {', '.join(missing)}.")
        time.sleep(0.5)
    print(f"  {len(PROGRAMME)} events by {len(ARTISTS)} artists")
