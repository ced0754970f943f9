"""Fills a stack with members and a season of events, over the API as anybody would."""

import argparse
import datetime
import json
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from programme import ARTISTS, PROGRAMME, Show

PASSWORD = "spotlight-local-1"
KOREA = datetime.timezone(datetime.timedelta(hours=9))


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
        """Signs somebody up, if need be, and answers an access token."""
        who = {"email": f"{name}@spotlight.example", "password": PASSWORD}
        status, answer = self.call("POST", "/v1/auth/sign-up", who | {"nickname": nickname, "role": role})
        if status != 201 and answer.get("code") != "EMAIL_TAKEN":
            raise SystemExit(f"signing up {name}: {answer}")
        status, answer = self.call("POST", "/v1/auth/sign-in", who)
        if status != 200:
            raise SystemExit(f"signing in {name}: {answer}")
        return answer["accessToken"]

    def publish(self, show: Show, token: str, today: datetime.datetime) -> None:
        # The same on the same day: a run that was cut short goes on where it stopped.
        key = f"programme-{today:%Y%m%d}-{PROGRAMME.index(show)}"
        status, answer = self.call(
            "POST", "/v1/events", event(show, today),
            **{"Authorization": f"Bearer {token}", "Idempotency-Key": key})
        if status != 201:
            raise SystemExit(f"publishing {show.title}: {answer}")


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


def found(api: Api) -> int:
    """How many events the search knows."""
    status, answer = api.call("GET", "/v1/events?limit=1")
    return answer["total"] if status == 200 else 0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    api = Api(arguments.parse_args().url)
    if found(api) >= len(PROGRAMME):
        return
    today = datetime.datetime.now(KOREA).replace(hour=0, minute=0, second=0, microsecond=0)

    def season(artist: str) -> None:
        token = api.member(artist, ARTISTS[artist], "ARTIST")
        for show in PROGRAMME:
            if show.artist == artist:
                api.publish(show, token, today)

    # No more at once than there are processors on a small machine.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(season, ARTISTS))
    api.member("fan", "첫 관객", "USER")

    deadline = time.monotonic() + 60
    while found(api) < len(PROGRAMME):
        if time.monotonic() > deadline:
            sys.exit("The programme is published, but search does not find it.")
        time.sleep(0.5)
    print(f"  {len(PROGRAMME)} events by {len(ARTISTS)} artists")


if __name__ == "__main__":
    main()
