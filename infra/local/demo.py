"""Walks through the product as its people do, over HTTP alone: follow, publish, find, buy, see the ticket.

    python3 infra/local/demo.py [address]      else SPOTLIGHT_URL, else http://127.0.0.1:3000

Each run makes people and a show of its own. When something is wrong it says so in a sentence and ends with 1. Where
KakaoPay and Kakao are simulated it pays and signs in; at the real ones it stops at the page where a person would.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from seed import KOREA, SeedError, code, mail

RUN = uuid.uuid4().hex[:8]
PASSWORD, NEW_PASSWORD = uuid.uuid4().hex, uuid.uuid4().hex
TITLE, TYPED = "반딧불 아래 첼로", "반딪불 챌로"
SEATS, BOUGHT = 20, 2
# For what is true only a moment later, such as search.
PATIENCE_SECONDS = 30


class Wrong(Exception):
    """Says in one sentence what is not as it should be."""


def ask(method: str, address: str, body: Any = None, token: str = "", key: str = "", ticket: str = "", seen: str = "") -> tuple[int, Any]:
    headers = {"Accept": "application/json", "Accept-Language": "ko"}
    headers |= {"Content-Type": "application/json"} if body is not None else {}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Idempotency-Key": key} if key else {}
    headers |= {"Queue-Ticket": ticket} if ticket else {}
    headers |= {"If-Match": seen} if seen else {}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, headers, method=method), timeout=30) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as refusal:
        text = refusal.read().decode(errors="replace")
        if refusal.code < 500 and "problem+json" in refusal.headers.get("Content-Type", ""):
            return refusal.code, json.loads(text)
        raise Wrong(f"{method} {address} was answered {refusal.code}: {text}") from None
    except OSError as error:
        raise Wrong(f"{address} cannot be reached ({error}). Does `make up` run?") from None
    except ValueError:
        raise Wrong(f"{method} {address} was not answered in JSON.") from None


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody who sends it elsewhere, so that it can be seen."""

    def redirect_request(self, *_: Any) -> None:
        return None


BROWSER = urllib.request.build_opener(Stay)


def visit(method: str, address: str, cookie: str = "", body: Any = None) -> tuple[int, str, str, Any]:
    """A browser's way: the status, where it is sent, the cookie that it is given, and what it reads."""
    headers = {"Accept": "application/json"} | ({"Cookie": cookie} if cookie else {})
    headers |= {"Content-Type": "application/json"} if body is not None else {}
    data = None if body is None else json.dumps(body).encode()
    try:
        answer = BROWSER.open(urllib.request.Request(address, data, headers, method=method), timeout=30)
    except urllib.error.HTTPError as other:
        answer = other
    text = answer.read().decode(errors="replace")
    told = json.loads(text) if text and "json" in answer.headers.get("Content-Type", "") else None
    given = answer.headers.get("Set-Cookie", "").split(";")[0]
    return answer.status, answer.headers.get("Location", ""), given, told


class Demo:
    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.steps = 0

    def step(self, korean: str, english: str) -> None:
        self.steps += 1
        print(f"\n{self.steps}. {korean} · {english}")

    def call(self, method: str, path: str, *fields: str, expect: int = 200, **given: Any) -> Any:
        """Asks, shows the fields that tell something, and answers the body."""
        address = path if path.startswith("http") else self.url + path
        status, body = ask(method, address, **given)
        show(method, path, status, body, fields)
        if status != expect:
            raise Wrong(f"{expect} was expected, and it was {status}: {json.dumps(body, ensure_ascii=False)}")
        return body

    def until(self, what: str, path: str, right: Callable[[Any], bool], *fields: str, token: str = "") -> None:
        """Asks again until the answer is right, for as long as there is patience."""
        began = time.monotonic()
        while True:
            status, body = ask("GET", self.url + path, token=token)
            waited = time.monotonic() - began
            if status == 200 and right(body):
                break
            if waited > PATIENCE_SECONDS:
                raise Wrong(f"{what} within {PATIENCE_SECONDS} s, but: {json.dumps(body, ensure_ascii=False)[:500]}")
            time.sleep(0.2)
        show("GET", path, status, body, fields)
        if waited > 1:
            print(f"        … {waited:.0f} s later")

    def member(self, name: str, nickname: str, role: str) -> str:
        """Signs somebody up with the code that is mailed, and in, and answers an access token."""
        new = {"email": address(name), "password": PASSWORD, "nickname": nickname, "role": role, "fourteenOrOlder": True}
        self.code_by_mail(address(name), "/v1/auth/sign-up", new)
        return self.sign_in(name)

    def code_by_mail(self, email: str, path: str, body: Any) -> Any:
        """Asks for a code, reads it in the mail and shows it."""
        try:
            before = len(mail(self.url, email))
            asked = self.call("POST", path, "codeId", expect=202, body=body)
            shown = asked | {"code": code(self.url, email, before)}
        except (SeedError, OSError) as nothing:
            raise Wrong(f"The code is in a mail, which the local stack alone shows here: {nothing}") from None
        print(f"        … the code was in the mail, as {self.url}/dev/mail shows it")
        self.call("POST", "/v1/auth/email-codes/verify", "purpose", body=shown)
        return shown

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        who = {"email": address(name), "password": password}
        return self.call("POST", "/v1/auth/sign-in", "member.id", "expiresAt", body=who)["accessToken"]

    def seats_left(self, event: str, expected: int) -> None:
        self.until(f"{expected} seats should be left", f"/v1/events/{event}",
                   lambda body: body["seatsLeft"] == expected, "title", "capacity", "seatsLeft")

    def pays(self, order: dict[str, Any], token: str, name: str) -> str:
        """Orders something, pays for it at the simulated KakaoPay, and comes back. Answers the payment's id."""
        payment = self.call("POST", "/v1/payments", "id", "state", "cash", expect=201, body=order, token=token,
                            key=f"demo-{RUN}-{name}")
        page = urlsplit(payment["kakaopay"]["pc"])
        agreed = self.call("POST", f"{page.scheme}://{page.netloc}/_sim/payments/{payment['id']}/approve", "tid")
        self.call("GET", agreed["return_url"], "state", "cash")
        return payment["id"]


def address(name: str) -> str:
    return f"{name}-{RUN}@demo.spotlight.example"


def show(method: str, path: str, status: int, body: Any, fields: tuple[str, ...]) -> None:
    # KakaoPay's return address is as good as a key, so it is not shown whole.
    path, secret, _ = unquote(path).partition("/returns/")
    print(f"   {method} {path}{secret and secret + '…'}  →  {status}")
    for field in fields:
        print(f"        {field}: {dig(body, field)}")


def dig(body: Any, field: str) -> Any:
    """The value at a path such as `member.id` or `items.0.title`."""
    for name in field.split("."):
        body = body[int(name)] if isinstance(body, list) else body[name]
    return body


def performance() -> dict[str, Any]:
    today = datetime.now(KOREA).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = today + timedelta(days=21, hours=19)
    return {
        "title": TITLE, "place": "망원동 달빛소극장", "category": "MUSIC", "capacity": SEATS, "price": 25000,
        "content": "불을 끄고 듣는 무반주 첼로. 반딧불이만 한 등 하나로 한 시간을 채웁니다.",
        "startsAt": starts.isoformat(), "endsAt": (starts + timedelta(hours=1)).isoformat(),
        "saleStartsAt": today.isoformat(), "saleEndsAt": starts.isoformat(),
    }


def walk(demo: Demo) -> None:
    demo.step("모두 켜져 있나요?", "Is everything up?")
    demo.call("GET", "/v1/health", "status")

    demo.step("관객이 새 아티스트를 팔로우합니다", "A fan follows a new artist")
    artist = demo.member("artist", "달빛 첼로", "ARTIST")
    artist_id = demo.call("GET", "/v1/me", "id", token=artist)["id"]
    fan = demo.member("fan", "첫 관객", "USER")
    demo.call("PUT", f"/v1/artists/{artist_id}/follow", expect=204, token=fan)

    demo.step("아티스트가 공연을 올립니다", "The artist publishes a show")
    event = demo.call("POST", "/v1/events", "id", "title", "price", "seatsLeft", expect=201,
                      body=performance(), token=artist, key=f"demo-{RUN}-show")["id"]

    demo.step(f"관객이 ‘{TYPED}’로 찾습니다", f"A fan finds ‘{TITLE}’ with a typo in each word")
    demo.until("Search should find the show", "/v1/events?" + urlencode({"q": TYPED, "sort": "newest"}),
               lambda body: [item["id"] for item in body["items"]][:1] == [event], "total", "items.0.title", "items.0.place")

    demo.step("팔로워의 알림함에 새 공연이 왔습니다", "The follower's inbox tells of the show")
    demo.until("The inbox should tell of the show", "/v1/notifications", lambda body: body["unreadCount"] == 1,
               "items.0.kind", "items.0.artist.nickname", "items.0.event.title", "unreadCount", token=fan)
    demo.call("GET", f"/v1/artists/{artist_id}", "nickname", "followerCount", "events.items.0.title")

    claim = coupon(demo, fan)

    demo.step("관객이 두 장을 쿠폰으로 예매하면 자리가 먼저 잡힙니다", "The fan buys two with the coupon: the seats are held first")
    two = {"purpose": "TICKETS", "eventId": event, "quantity": BOUGHT}
    order = two | claim
    payment = demo.call("POST", "/v1/payments", "id", "state", "listPrice", "coupon", "cash", "holdEndsAt", expect=201,
                        body=order, token=fan, key=f"demo-{RUN}-buy")
    demo.seats_left(event, SEATS - BOUGHT)

    demo.step("두 번 눌러도 한 번만 삽니다", "A double click buys once")
    again = demo.call("POST", "/v1/payments", "id", expect=201, body=order, token=fan, key=f"demo-{RUN}-buy")
    if again["id"] != payment["id"]:
        raise Wrong("The same Idempotency-Key bought twice.")

    page = urlsplit(payment["kakaopay"]["pc"])
    if page.hostname.endswith((".kakaopay.com", ".kakao.com")):
        print(f"\nThis KakaoPay is the real one. A person could pay here; if nobody does, the seats come back:\n{page.geturl()}")
        return
    demo.step("카카오페이에서 결제하고 돌아옵니다 (모의)", "The fan pays at KakaoPay (simulated) and comes back")
    agreed = demo.call("POST", f"{page.scheme}://{page.netloc}/_sim/payments/{payment['id']}/approve", "tid")
    demo.call("GET", agreed["return_url"], "state", "cash", "ticketIds")

    demo.step("내 티켓", "The fan's tickets, and how the payment went")
    tickets = demo.call("GET", "/v1/me/tickets", "items.0.event.title", "items.0.event.startsAt", "items.0.state", token=fan)
    paid = demo.call("GET", f"/v1/payments/{payment['id']}", "state", token=fan)
    print("        history:", " → ".join(entry["step"] for entry in paid["history"]))
    if (len(tickets["items"]), paid["state"]) != (BOUGHT, "APPROVED"):
        raise Wrong(f"There should be {BOUGHT} tickets of an approved payment; there are {len(tickets['items'])}.")

    demo.step("남은 자리, 그리고 한 사람에 네 장까지", "What is left, and no more than four for one person")
    demo.seats_left(event, SEATS - BOUGHT)
    demo.call("POST", "/v1/payments", "code", "detail", expect=400, body=two | {"quantity": 3}, token=fan, key=f"demo-{RUN}-more")

    demo.step("현금의 0.5 %가 포인트로 쌓였습니다", "Half a percent of the cash was earned")
    demo.call("GET", "/v1/me/points", "balance", token=fan)

    demo.step("한 장은 못 가게 됐습니다. 얼마를 돌려받는지 보고 환불합니다", "The fan can't use one: sees what comes back, and gives it back")
    quote = demo.call("GET", f"/v1/payments/{payment['id']}/refund-quote", "percent", "rule", "tickets.0.total",
                      "tickets.0.earnedTakenBack", token=fan)["tickets"][0]
    refund = {"ticketIds": [quote["ticketId"]], "total": quote["total"]}
    demo.call("POST", f"/v1/payments/{payment['id']}/refunds", "state", "cash", "points", expect=201, body=refund, token=fan,
              key=f"demo-{RUN}-refund")
    demo.call("GET", f"/v1/payments/{payment['id']}", "state", "refunded.cash", token=fan)
    demo.seats_left(event, SEATS - BOUGHT + 1)

    demo.step("포인트를 사고, 아티스트를 후원합니다", "The fan buys points, and gives the artist something")
    points = demo.pays({"purpose": "POINTS", "amount": 10000}, fan, "points")
    demo.call("GET", "/v1/me/points", "balance", "bought", token=fan)
    demo.pays({"purpose": "SPONSORSHIP", "artistId": artist_id, "amount": 5000, "message": "다음 공연도 기다릴게요!"}, fan, "gift")
    demo.call("GET", "/v1/me/sponsorships", "items.0.nickname", "items.0.amount", "items.0.message", token=artist)
    demo.call("POST", f"/v1/payments/{points}/refunds", "rule", "cash", expect=201, body={"total": 10000}, token=fan,
              key=f"demo-{RUN}-points-back")
    demo.call("GET", "/v1/me/points/transfers", "items.0.kind", "items.0.balanceChange", token=fan)

    demo.step("구매와 환불은 알림과 메일로, 판매는 아티스트에게", "The purchase and the refund are told by inbox and mail, the sale to the artist")
    for token, told in [(fan, ["PAYMENT_APPROVED", "PAYMENT_REFUNDED"]), (artist, ["TICKET_SOLD"])]:
        demo.until(f"The inbox should tell of {told}", "/v1/notifications",
                   lambda body, told=told: set(told) <= {item["kind"] for item in body["items"]}, "items.0.kind", "items.0.tickets",
                   token=token)

    waiting(demo, artist, fan)
    rushed(demo, artist, fan)
    at_the_door(demo, artist, fan)
    plans_change(demo, event, artist, fan)

    demo.step("다른 기기에서 로그인한 것을 보고 한 번에 끝냅니다", "The fan sees where else they are signed in, and ends it")
    elsewhere = demo.sign_in("fan")
    demo.call("GET", "/v1/me/sessions", "items.0.current", "items.1.current", token=fan)
    demo.call("DELETE", "/v1/me/sessions", expect=204, token=fan)
    demo.call("GET", "/v1/me", "code", expect=401, token=elsewhere)

    demo.step("비밀번호를 잊어도 메일로 받은 코드로 다시 정합니다", "A forgotten password: a code by mail, and every session ends")
    shown = demo.code_by_mail(address("fan"), "/v1/auth/email-codes", {"email": address("fan"), "purpose": "NEW_PASSWORD"})
    demo.call("PUT", "/v1/auth/password", expect=204, body=shown | {"password": NEW_PASSWORD})
    demo.call("GET", "/v1/me", "code", expect=401, token=fan)
    fan = demo.sign_in("fan", NEW_PASSWORD)
    by_kakao(demo, two | {"quantity": 1}, fan)

    demo.step("나에 대해 보관된 것을 모두 받습니다", "The fan is handed everything that is kept of them")
    own = demo.call("GET", "/v1/me/export", "account.nickname", token=fan)
    print("        with", ", ".join(f"{len(items)} {section}" for section, items in own.items() if isinstance(items, list)))

    demo.step("로그아웃하면 바로 끝납니다", "Signing out takes effect at once")
    demo.call("POST", "/v1/auth/sign-out", expect=204, token=fan)
    demo.call("GET", "/v1/me", "code", "detail", expect=401, token=fan)


def coupon(demo: Demo, fan: str) -> dict[str, str]:
    """The fan claims what is on offer, if anything is: what an order says of it."""
    demo.step("관객이 쿠폰을 받습니다. 한 사람에 하나씩", "The fan claims a coupon: one each, however often they ask")
    offered = demo.call("GET", "/v1/coupons")["items"]
    if not offered:
        print("        none is on offer here")
        return {}
    path, fields = f"/v1/coupons/{offered[0]['id']}/claims", ("id", "discount", "expiresOn", "status")
    claim = demo.call("POST", path, *fields, expect=201, token=fan, key=f"demo-{RUN}-coupon")
    again = demo.call("POST", path, "id", token=fan, key=f"demo-{RUN}-coupon-again")
    mine = demo.call("GET", "/v1/me/coupons", "items.0.status", token=fan)["items"]
    if again != claim or mine != [claim]:
        raise Wrong("One coupon was claimed twice.")
    return {"claimId": claim["id"]}


def waiting(demo: Demo, artist: str, fan: str) -> None:
    """The only seat of a small show: somebody waits for it, the fan gives it back."""
    demo.step("한 자리뿐인 무료 공연이 매진되자 다른 관객이 줄을 섭니다", "The only seat of a free show is gone, and somebody waits for it")
    small = performance() | {"title": f"{TITLE}, 한 사람을 위하여", "capacity": 1, "price": 0}
    event = demo.call("POST", "/v1/events", "id", "capacity", expect=201, body=small, token=artist, key=f"demo-{RUN}-small")["id"]
    order = {"purpose": "TICKETS", "eventId": event, "quantity": 1}
    bought = demo.call("POST", "/v1/payments", "id", "state", expect=201, body=order, token=fan, key=f"demo-{RUN}-seat")
    other = demo.member("waits", "기다리는 관객", "USER")
    line = f"/v1/events/{event}/waiting-list"
    demo.call("POST", "/v1/payments", "code", "waitedFor", expect=400, body=order, token=other, key=f"demo-{RUN}-none")
    demo.call("PUT", line, "state", "position", body={"quantity": 1}, token=other)

    demo.step("관객이 티켓을 돌려주면 그 자리는 기다린 사람에게 갑니다", "The fan gives the ticket back: whoever waited is offered it, and nobody else")
    tickets = demo.call("GET", f"/v1/payments/{bought['id']}", "ticketIds", token=fan)["ticketIds"]
    demo.call("POST", f"/v1/payments/{bought['id']}/refunds", "state", expect=201, body={"ticketIds": tickets, "total": 0},
              token=fan, key=f"demo-{RUN}-seat-back")
    demo.until("The seat should be offered", line, lambda body: body["state"] == "OFFERED", "state", "offer.endsAt", token=other)
    demo.call("POST", "/v1/payments", "code", expect=400, body=order, token=artist, key=f"demo-{RUN}-not-theirs")
    offer = demo.call("GET", line, "offer.id", token=other)["offer"]["id"]
    demo.call("POST", "/v1/payments", "id", "state", expect=201, body=order | {"offerId": offer}, token=other, key=f"demo-{RUN}-taken")


def rushed(demo: Demo, artist: str, fan: str) -> None:
    """A show that many want: whoever has a number buys, one after the other."""
    demo.step("모두가 원하는 공연. 아티스트가 1분에 12명씩 들여보냅니다", "A show that everybody wants: its artist lets twelve a minute in")
    wanted = performance() | {"title": f"{TITLE}, 모두를 위하여", "capacity": 50, "price": 0}
    event = demo.call("POST", "/v1/events", "id", expect=201, body=wanted, token=artist, key=f"demo-{RUN}-wanted")["id"]
    demo.call("PUT", f"/v1/events/{event}/queue", "admissionsPerMinute", "openUntil", body={"admissionsPerMinute": 12}, token=artist)
    order = {"purpose": "TICKETS", "eventId": event, "quantity": 1}
    demo.call("POST", "/v1/payments", "code", expect=400, body=order, token=fan, key=f"demo-{RUN}-no-number")

    demo.step("먼저 온 사람이 먼저 들어가고, 다음 사람은 차례를 기다립니다", "Who came first is let in first, and the next waits for their turn")
    other = demo.sign_in("waits")
    tickets = f"/v1/events/{event}/queue-tickets"
    first = demo.call("POST", tickets, "state", "endsAt", expect=201, token=fan)["id"]
    # Somebody comes in between, and goes.
    demo.call("POST", tickets, "state", "ahead", expect=201, token=artist)
    last = demo.call("POST", tickets, "state", "ahead", "admittedAt", expect=201, token=other)["id"]
    demo.call("POST", "/v1/payments", "state", expect=201, body=order, token=fan, key=f"demo-{RUN}-first", ticket=first)
    demo.call("POST", "/v1/payments", "code", expect=429, body=order, token=other, key=f"demo-{RUN}-last", ticket=last)
    demo.until("Their turn should come", f"{tickets}/{last}", lambda body: body["state"] == "ADMITTED", "state", "endsAt")
    demo.call("POST", "/v1/payments", "state", expect=201, body=order, token=other, key=f"demo-{RUN}-last", ticket=last)


def at_the_door(demo: Demo, artist: str, fan: str) -> None:
    """Tonight, and free: the fan shows a ticket to a volunteer."""
    now = datetime.now(KOREA)
    starts = now + timedelta(hours=1)
    tonight = performance() | {
        "title": f"{TITLE}, 오늘 밤", "price": 0, "startsAt": starts.isoformat(), "endsAt": (starts + timedelta(hours=1)).isoformat(),
        "saleStartsAt": (now - timedelta(hours=1)).isoformat(), "saleEndsAt": starts.isoformat(),
    }
    demo.step("오늘 밤의 무료 공연. 관객의 티켓에는 서명된 QR 코드가 있습니다", "A free show tonight: the fan's ticket has a signed QR code")
    event = demo.call("POST", "/v1/events", "id", "startsAt", expect=201, body=tonight, token=artist, key=f"demo-{RUN}-tonight")["id"]
    order = {"purpose": "TICKETS", "eventId": event, "quantity": 1}
    bought = demo.call("POST", "/v1/payments", "id", "state", expect=201, body=order, token=fan, key=f"demo-{RUN}-free")
    [ticket] = demo.call("GET", f"/v1/payments/{bought['id']}", "ticketIds", token=fan)["ticketIds"]
    ticket = demo.call("GET", f"/v1/tickets/{ticket}", "state", "payload", token=fan)

    demo.step("자원봉사자가 키 하나로 입장을 확인합니다. 두 번은 안 됩니다", "A volunteer lets them in with a key for this door; nobody comes in twice")
    key = demo.call("POST", f"/v1/events/{event}/door-keys", "name", "endsAt", expect=201, body={"name": "정문 자원봉사자"},
                    token=artist)["key"]
    scan = {"payload": ticket["payload"], "scannedAt": datetime.now(KOREA).isoformat(), "device": "정문"}
    path = f"/v1/events/{event}/check-ins"
    demo.call("POST", path, "items.0.outcome", "items.0.first.scannedAt", body=scan, token=key)
    demo.call("POST", path, "code", "first.device", "first.scannedAt", expect=409, body=scan | {"device": "후문"}, token=key)
    demo.call("GET", f"/v1/events/{event}/attendees", "sold", "checkedIn", "items.0.nickname", "items.0.state", token=artist)


def by_kakao(demo: Demo, order: dict[str, Any], fan: str) -> None:
    """Somebody without a password, and with nothing that Kakao does not tell of them, who leaves again."""
    status, _, cookie, begun = visit("GET", f"{demo.url}/v1/auth/kakao/start")
    if status == 404:
        return  # it is not offered here
    page = urlsplit(begun["url"])
    if page.hostname and page.hostname.endswith(".kakao.com"):
        print(f"\nThis Kakao is the real one. A person could sign in here:\n{page.geturl()}")
        return
    demo.step("비밀번호 없이 카카오로 로그인합니다 (모의)", "Somebody signs in with Kakao (simulated), without a password")
    _, _, _, asked = visit("GET", page.geturl())
    who = {"id": int(RUN, 16), "nickname": "카카오에서 온 관객"}
    _, _, _, agreed = visit("POST", f"{page.scheme}://{page.netloc}/_sim/requests/{asked['request']}/accept", body=who)
    status, there, cookie, told = visit("GET", agreed["return_url"], cookie)
    if status != 302:
        raise Wrong(f"Whoever comes back from Kakao should be signed in, and it was {status}: {told}")
    print(f"   GET /v1/auth/kakao/callback…  →  302\n        {there}")
    _, _, _, access = visit("POST", f"{demo.url}/v1/auth/refresh", cookie)
    token = access["accessToken"]
    demo.call("GET", "/v1/me", "nickname", "identities", "email", token=token)
    demo.call("POST", "/v1/payments", "code", "detail", expect=403, body=order, token=token, key=f"demo-{RUN}-kakao")

    demo.step("탈퇴하면 바로 아무도 아닙니다", "Whoever leaves is nobody at once; the fan, who has tickets, may not yet")
    demo.call("DELETE", "/v1/me", expect=204, token=token)
    demo.call("GET", "/v1/me", "code", expect=401, token=token)
    demo.call("DELETE", "/v1/me", "code", "detail", expect=409, token=fan)



def plans_change(demo: Demo, event: str, artist: str, fan: str) -> None:
    """The show moves to a larger hall, and another one is called off."""
    demo.step("공연장을 더 넓은 곳으로 옮기면 예매한 사람에게 알려 줍니다", "The show moves to a larger hall: whoever bought is told, and may have everything back")
    moved = {"place": "연남동 별빛홀", "capacity": SEATS + 10}
    demo.call("PATCH", f"/v1/events/{event}", "place", "capacity", "seatsLeft", body=moved, token=artist, seen="*")
    demo.until("The inbox should tell of the move", "/v1/notifications",
               lambda body: "EVENT_CHANGED" in {item["kind"] for item in body["items"]}, "items.0.kind", "items.0.event.title", token=fan)
    [payment] = [it for it in demo.call("GET", "/v1/me/payments", token=fan)["items"] if it.get("event", {}).get("id") == event]
    demo.call("GET", f"/v1/payments/{payment['id']}/refund-quote", "rule", "percent", token=fan)
    demo.call("PATCH", f"/v1/events/{event}", "code", expect=412, body={"capacity": SEATS}, token=artist, seen='"1.20"')

    demo.step("아티스트의 공연들, 그리고 취소", "The artist's shows and how they sell; one that somebody has a ticket of is called off, not deleted")
    own = demo.call("GET", "/v1/me/events", "items.0.title", "items.0.seats", "items.0.takings", token=artist)["items"]
    wanted = next(it["id"] for it in own if it["title"].endswith("모두를 위하여"))
    unsold = demo.call("POST", "/v1/events", "id", expect=201, body=performance() | {"title": "아무도 모르는 공연"}, token=artist,
                       key=f"demo-{RUN}-unsold")["id"]
    demo.call("DELETE", f"/v1/events/{unsold}", "became", token=artist)
    demo.call("DELETE", f"/v1/events/{wanted}", "became", token=artist)
    demo.until("All of it should be given back", f"/v1/events/{wanted}/refunds", lambda body: body["total"] and body["done"] == body["total"],
               "state", "done", "total", token=artist)


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SPOTLIGHT_URL", "http://127.0.0.1:3000")
    demo = Demo(given)
    try:
        walk(demo)
    except Wrong as wrong:
        sys.exit(f"\n✗ {wrong}")
    except (KeyError, IndexError, TypeError) as missing:
        sys.exit(f"\n✗ The last answer lacks something ({type(missing).__name__}: {missing}).")
    print(f"\n✓ 다 됐습니다 · All done. Try it yourself: {demo.url}/docs")


if __name__ == "__main__":
    main()
