"""KakaoPay's single payment, simulated as it is on the wire, with switches for faults.

    python infra/local/kakaopay.py --port 4530

The four calls of https://open-api.kakaopay.com (`/online/v1/payment/{ready,approve,cancel,order}`) check what
the real ones check: key, content type, cid, required fields and their lengths, tid, partner ids, amounts and the
one-time `pg_token`. A person pays at `next_redirect_pc_url`. A program posts to the same page's buttons, or to

    POST   /_sim/payments/{id}/approve|cancel|fail   → {"return_url": …, "visits": 1}   (visits nothing itself;
                                                       id: a tid, a partner_order_id or the id in the page's address)
    GET    /_sim/payments?id=…                       → orders with what was approved and cancelled, and the sums
    POST   /_sim/faults, DELETE /_sim/faults         → see `Faults`
    GET    /health

Everything is in memory (`--keep FILE` carries it over a restart) and bound to 127.0.0.1 only.
"""

import argparse
import asyncio
import dataclasses
import datetime
import errno
import hmac
import html
import json
import os
import pathlib
import random
import secrets
import sys
import time
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

HOST = "127.0.0.1"
KST = datetime.timezone(datetime.timedelta(hours=9))
OPERATIONS = ("ready", "approve", "cancel", "order")

# What one payment may be, as those who resell KakaoPay say (shared/domain/src/payment/amounts.rs).
LEAST, MOST = 50, 2_000_000

# Error codes as KakaoPay publishes them.
INVALID_PARAMETER = -2
UNAUTHENTICATED = -401
NOT_AUTHENTICATED_BY_PAYER = -701
ALREADY_APPROVED = -702
WRONG_ORDER_ID = -706
WRONG_USER_ID = -707
WRONG_PG_TOKEN = -708
CANCEL_TOO_MUCH = -710
NO_SUCH_TID = -721
WRONG_CANCEL_AVAILABLE = -722
SESSION_EXPIRED = -723
WRONG_TOTAL = -725
WRONG_CID = -731
APPROVAL_FAILED = -780
NOT_CANCELLABLE = -784

# Required fields of each call, text with its greatest length; then the optional ones that are checked.
URL = 255
TEXT = {
    "ready": {"partner_order_id": 100, "partner_user_id": 100, "item_name": 100,
              "approval_url": URL, "cancel_url": URL, "fail_url": URL},
    "approve": {"tid": 20, "partner_order_id": 100, "partner_user_id": 100, "pg_token": 100},
    "cancel": {"tid": 20},
    "order": {"tid": 20},
}
NUMBERS = {
    "ready": ("quantity", "total_amount", "tax_free_amount"),
    "approve": (),
    "cancel": ("cancel_amount", "cancel_tax_free_amount"),
    "order": (),
}
OPTIONAL_NUMBERS = {
    "ready": ("vat_amount",), "approve": ("total_amount",),
    "cancel": ("cancel_vat_amount", "cancel_available_amount"), "order": (),
}


class Refusal(Exception):
    """What KakaoPay answers when it says no: nothing was done."""

    def __init__(self, code, message, status=400, extras=None):
        self.status = status
        self.body = {"error_code": code, "error_message": message}
        if extras:
            self.body["extras"] = extras


@dataclass
class Payment:
    """One order, from `ready` to its last cancellation. Amounts are won."""

    serial: int
    tid: str
    page: str  # the id in the payment page's address; knowing it is what lets a person pay
    partner_order_id: str
    partner_user_id: str
    item_name: str
    item_code: str | None
    quantity: int
    total: int
    tax_free: int
    approval_url: str
    cancel_url: str
    fail_url: str
    method: str
    created: float
    status: str = "READY"
    pg_token: str | None = None
    vat: int = 0
    approved: int = 0
    canceled: int = 0
    vat_canceled: int = 0
    approved_at: float | None = None
    canceled_at: float | None = None
    actions: list = field(default_factory=list)
    calls: dict = field(default_factory=lambda: dict.fromkeys(OPERATIONS, 0))

    @property
    def payable(self):
        return self.approved_at is None and self.status not in ("QUIT_PAYMENT", "FAIL_PAYMENT")

    def summary(self):
        """What a test compares with its own books."""
        return {
            "tid": self.tid,
            "partner_order_id": self.partner_order_id,
            "partner_user_id": self.partner_user_id,
            "status": self.status,
            "total_amount": self.total,
            "approved_amount": self.approved,
            "canceled_amount": self.canceled,
            "net_amount": self.approved - self.canceled,
            "ready_calls": self.calls["ready"],
            "approve_calls": self.calls["approve"],
            "cancel_calls": self.calls["cancel"],
            "order_calls": self.calls["order"],
            "created_at": kst(self.created),
        }


class Faults:
    """Which calls go wrong, and how.

    POST /_sim/faults {"seed": 7, "approve": {"error500": 0.05, "delay": {"rate": 0.1, "seconds": 6}, "times": 1}}

    Each rate is the chance that one call has this fault; several may meet in one call, the first to end it wins:
      delay               waits before the work; a client that gives up does not stop the work
      drop_before         closes the connection, nothing done
      error500            answers 500, nothing done
      wrong_amount        approves an amount that is 100 won too high, and `/order` agrees (approve only)
      wrong_answer        does the work, but shows an amount that is 100 won too high in this one answer
      delay_after         waits after the work
      error500_after      answers 500 although the work was done
      drop_after          closes the connection although the work was done
      duplicate_callback  the payer's browser visits the return address twice at once (approve only)
    `times`: only an order's first so many calls of this kind can be hit.
    With "tid" or "partner_order_id" beside them the switches hold for that order alone, instead of the general ones.
    A later POST replaces what an earlier one set for the same scope; DELETE clears all of them.

    Chance depends on the seed, the order's serial number and the number of its call, not on who comes first,
    so a run with many clients at once is the same the next time.
    """

    RATES = ("drop_before", "error500", "wrong_amount", "wrong_answer", "error500_after", "drop_after",
             "duplicate_callback")
    DELAYS = ("delay", "delay_after")

    def __init__(self):
        self.scopes = {}

    def set(self, body):
        """Checks every key, for a misspelt switch would make a test of faults pass without a fault."""
        if not isinstance(body, dict):
            raise ValueError("an object is expected")
        scope = body.get("tid") or body.get("partner_order_id")
        for key, switches in body.items():
            if key in ("seed", "tid", "partner_order_id"):
                continue
            if key not in OPERATIONS:
                raise ValueError(f"unknown key: {key}")
            for name, value in switches.items():
                if name in self.RATES:
                    rate = value
                elif name in self.DELAYS:
                    rate = value["rate"]
                    if value["seconds"] < 0:
                        raise ValueError(f"{key}.{name}.seconds: {value['seconds']}")
                elif name == "times":
                    continue
                else:
                    raise ValueError(f"unknown switch: {key}.{name}")
                if not 0 <= rate <= 1:
                    raise ValueError(f"{key}.{name}: a rate is from 0 to 1, not {rate}")
        self.scopes[scope] = body

    def clear(self):
        self.scopes = {}

    def draw(self, operation, payment):
        """The faults of this call: {"error500": True, "delay": 6, …}."""
        if not self.scopes:
            return {}
        serial, nth, config = 0, 0, self.scopes.get(None)
        if payment:
            serial, nth = payment.serial, payment.calls[operation]
            config = self.scopes.get(payment.tid) or self.scopes.get(payment.partner_order_id) or config
        # Switches for one order alone leave all others without any.
        config = config or {}
        switches = config.get(operation, {})
        if nth > switches.get("times", nth):
            return {}

        def chance(name):
            return random.Random(f"{config.get('seed', 0)}/{operation}/{serial}/{nth}/{name}").random()

        hit = {name: True for name in self.RATES if chance(name) < switches.get(name, 0)}
        for name in self.DELAYS:
            delay = switches.get(name)
            if delay and chance(name) < delay["rate"]:
                hit[name] = delay["seconds"]
        return hit


class Simulator:
    def __init__(self, base, key, cid, session_seconds):
        self.base = base
        self.authorization = f"SECRET_KEY {key}".encode()
        self.cid = cid
        self.session_seconds = session_seconds
        self.faults = Faults()
        self.serial = 0
        self.payments = {}  # by tid
        self.by_order = {}  # by partner_order_id: its newest
        self.by_page = {}
        self.background = set()
        self.browser = None

    def app(self):
        app = web.Application()
        app.add_routes([
            web.post("/online/v1/payment/{operation:ready|approve|cancel|order}", self.call),
            web.get("/pay/{id}/{device}", self.page),
            web.post("/pay/{id}/{decision:approve|cancel|fail}", self.decide),
            web.post("/_sim/payments/{id}/{decision:approve|cancel|fail}", self.decide_for_program),
            web.get("/_sim/payments", self.list),
            web.post("/_sim/faults", self.set_faults),
            web.delete("/_sim/faults", self.clear_faults),
            web.get("/health", self.health),
        ])
        return app

    def keep(self, payment):
        self.serial = max(self.serial, payment.serial)
        self.payments[payment.tid] = payment
        self.by_order[payment.partner_order_id] = payment
        self.by_page[payment.page] = payment

    def find(self, any_id):
        return self.payments.get(any_id) or self.by_order.get(any_id) or self.by_page.get(any_id)

    # The four calls

    async def call(self, request):
        operation = request.match_info["operation"]
        try:
            body = await request.json()
        except (ValueError, UnicodeDecodeError):
            body = None
        tid = body.get("tid") if isinstance(body, dict) else None
        payment = self.payments.get(tid) if isinstance(tid, str) else None
        if payment:
            payment.calls[operation] += 1
        elif operation == "ready":
            payment = self.prepared(body)
        faults = self.faults.draw(operation, payment)

        await asyncio.sleep(faults.get("delay", 0))
        if "drop_before" in faults:
            return drop(request)
        if "error500" in faults:
            return server_error()
        try:
            self.check(request, operation, body)
            if operation != "ready" and payment is None:
                raise Refusal(NO_SUCH_TID, "payment not found: tid")
            answer, status = getattr(self, operation)(payment, body, faults), 200
        except Refusal as refusal:
            answer, status = refusal.body, refusal.status
        if "wrong_answer" in faults and "amount" in answer:
            answer["amount"]["total"] += 100
        await asyncio.sleep(faults.get("delay_after", 0))
        if "error500_after" in faults:
            return server_error()
        if "drop_after" in faults:
            return drop(request)
        return respond(answer, status)

    def check(self, request, operation, body):
        """Everything that can be refused without looking at the order."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self.authorization):
            raise Refusal(UNAUTHENTICATED, "invalid secret key", status=401)
        if request.content_type != "application/json":
            raise Refusal(INVALID_PARAMETER, f"Content-Type not supported: {request.content_type}", status=415)
        if not isinstance(body, dict):
            raise Refusal(INVALID_PARAMETER, "request body is not a JSON object")
        if body.get("cid") != self.cid:
            raise Refusal(WRONG_CID, "invalid cid")
        for name, longest in TEXT[operation].items():
            value = body.get(name)
            if not isinstance(value, str) or not 1 <= len(value) <= longest:
                raise Refusal(INVALID_PARAMETER, f"invalid parameter: {name}")
            if name.endswith("_url") and not value.startswith(("http://", "https://")):
                raise Refusal(INVALID_PARAMETER, f"invalid parameter: {name}")
        for name in NUMBERS[operation]:
            number(body, name)

    def prepared(self, body):
        """An order before it is known to be right, so that faults can meet `ready` too. Kept only by `ready`."""
        body = body if isinstance(body, dict) else {}
        self.serial += 1
        payment = Payment(
            serial=self.serial,
            tid="T" + secrets.token_hex(10)[:19],
            page=secrets.token_hex(32),
            created=time.time(),
            method="MONEY" if self.serial % 2 else "CARD",
            item_code=body.get("item_code"),
            quantity=0,
            total=0,
            tax_free=0,
            **{name: body.get(name) for name in TEXT["ready"]},
        )
        payment.calls["ready"] = 1
        return payment

    def ready(self, payment, body, _faults):
        payment.quantity = number(body, "quantity")
        payment.total = number(body, "total_amount")
        payment.tax_free = number(body, "tax_free_amount")
        payment.method = body.get("payment_method_type") or payment.method
        if payment.quantity < 1:
            raise Refusal(INVALID_PARAMETER, "invalid parameter: quantity")
        if not LEAST <= payment.total <= MOST or payment.tax_free > payment.total:
            raise Refusal(WRONG_TOTAL, "invalid total_amount")
        payment.vat = number(body, "vat_amount", vat(payment.total - payment.tax_free))
        if payment.vat > payment.total - payment.tax_free:
            raise Refusal(INVALID_PARAMETER, "invalid parameter: vat_amount")
        self.keep(payment)
        page = f"{self.base}/pay/{payment.page}"
        return {
            "tid": payment.tid,
            "tms_result": False,
            "next_redirect_app_url": f"{page}/aInfo",
            "next_redirect_mobile_url": f"{page}/mInfo",
            "next_redirect_pc_url": f"{page}/info",
            "android_app_scheme": f"kakaotalk://kakaopay/pg?url={page}/order",
            "ios_app_scheme": f"kakaotalk://kakaopay/pg?url={page}/order",
            "created_at": kst(payment.created),
        }

    def approve(self, payment, body, faults):
        if payment.approved_at is not None:
            raise Refusal(ALREADY_APPROVED, "payment is already done!")
        if self.expired(payment):
            raise Refusal(SESSION_EXPIRED, "payment session is expired")
        if payment.partner_order_id != body["partner_order_id"]:
            raise Refusal(WRONG_ORDER_ID, "partner_order_id does not match")
        if payment.partner_user_id != body["partner_user_id"]:
            raise Refusal(WRONG_USER_ID, "partner_user_id does not match")
        if not payment.payable:
            raise Refusal(APPROVAL_FAILED, "approval failure!", extras={
                "method_result_code": "USER_CANCELED",
                "method_result_message": "사용자가 결제를 중단했습니다.",
            })
        if payment.pg_token is None:
            raise Refusal(NOT_AUTHENTICATED_BY_PAYER, "payment is not authenticated")
        if not hmac.compare_digest(payment.pg_token.encode(), body["pg_token"].encode()):
            raise Refusal(WRONG_PG_TOKEN, "invalid pg_token")
        if number(body, "total_amount", payment.total) != payment.total:
            raise Refusal(WRONG_TOTAL, "total_amount does not match")

        payment.pg_token = None
        payment.total += 100 if "wrong_amount" in faults else 0
        payment.approved = payment.total
        payment.approved_at = time.time()
        payment.status = "SUCCESS_PAYMENT"
        aid = self.act(payment, "PAYMENT", payment.approved, payment.approved_at)
        answer = {"aid": aid, **self.names(payment), "amount": amount(payment.approved, payment.vat, payment.tax_free),
                  "approved_at": kst(payment.approved_at)}
        if payment.method == "CARD":
            answer["card_info"] = CARD
        if "payload" in body:
            answer["payload"] = body["payload"]
        return answer

    def cancel(self, payment, body, _faults):
        wanted = number(body, "cancel_amount")
        available = payment.approved - payment.canceled
        if payment.approved_at is None:
            raise Refusal(NOT_CANCELLABLE, "payment is not cancellable")
        if wanted < 1:
            raise Refusal(INVALID_PARAMETER, "invalid parameter: cancel_amount")
        if number(body, "cancel_available_amount", available) != available:
            raise Refusal(WRONG_CANCEL_AVAILABLE, "cancel_available_amount does not match")
        if wanted > available:
            raise Refusal(CANCEL_TOO_MUCH, "cancel_amount exceeds cancel_available_amount")
        # Rounded for each call, parts may ask for more than the whole has: 1,364 twice, of 2,727.
        wanted_vat = number(body, "cancel_vat_amount", vat(wanted))
        if wanted_vat > min(wanted, payment.vat - payment.vat_canceled):
            raise Refusal(CANCEL_TOO_MUCH, "cancel_vat_amount exceeds what is left")

        payment.canceled += wanted
        payment.vat_canceled += wanted_vat
        payment.canceled_at = time.time()
        payment.status = "PART_CANCEL_PAYMENT" if payment.canceled < payment.approved else "CANCEL_PAYMENT"
        aid = self.act(payment, "CANCEL", wanted, payment.canceled_at)
        return {
            "aid": aid,
            **self.names(payment),
            "status": payment.status,
            "amount": amount(payment.approved, payment.vat, payment.tax_free),
            "approved_cancel_amount": amount(wanted, wanted_vat),
            **self.left(payment),
            "approved_at": kst(payment.approved_at),
            "canceled_at": kst(payment.canceled_at),
        }

    def order(self, payment, _body, _faults):
        answer = {
            **self.names(payment),
            "status": payment.status,
            "amount": amount(payment.total, payment.vat, payment.tax_free),
            **self.left(payment),
            "payment_action_details": payment.actions,
        }
        if payment.approved_at is not None:
            answer["approved_at"] = kst(payment.approved_at)
        if payment.canceled_at is not None:
            answer["canceled_at"] = kst(payment.canceled_at)
        return answer

    def left(self, payment):
        """What of an order went back, and what still can."""
        approved_vat = payment.vat if payment.approved else 0
        return {
            "canceled_amount": amount(payment.canceled, payment.vat_canceled),
            "cancel_available_amount": amount(payment.approved - payment.canceled, approved_vat - payment.vat_canceled),
        }

    def names(self, payment):
        return {
            "tid": payment.tid,
            "cid": self.cid,
            "partner_order_id": payment.partner_order_id,
            "partner_user_id": payment.partner_user_id,
            "payment_method_type": payment.method,
            "item_name": payment.item_name,
            "item_code": payment.item_code,
            "quantity": payment.quantity,
            "created_at": kst(payment.created),
        }

    def act(self, payment, kind, won, at):
        aid = "A" + secrets.token_hex(10)[:19]
        payment.actions.append({
            "aid": aid,
            "payment_action_type": kind,
            "payment_method_type": payment.method,
            "amount": won,
            "point_amount": 0,
            "discount_amount": 0,
            "green_deposit": 0,
            "approved_at": kst(at),
        })
        return aid

    def expired(self, payment):
        return payment.approved_at is None and time.time() > payment.created + self.session_seconds

    # What the payer does

    def decided(self, payment, decision):
        """Where the payer's browser goes next, and how many times it visits; None when it is too late."""
        if not payment.payable or self.expired(payment):
            return None
        if decision == "approve":
            # Pressed twice, the page gives the same token: the real one polls and redirects once more.
            payment.pg_token = payment.pg_token or secrets.token_hex(10)
            payment.status = "AUTH_PASSWORD"
            separator = "&" if "?" in payment.approval_url else "?"
            # The payer authenticates once, so this chance is that of the order's first approval.
            hit = self.faults.draw("approve", dataclasses.replace(payment, calls={"approve": 1}))
            return (f"{payment.approval_url}{separator}pg_token={payment.pg_token}",
                    2 if "duplicate_callback" in hit else 1)
        payment.pg_token = None
        if decision == "cancel":
            payment.status = "QUIT_PAYMENT"
            return payment.cancel_url, 1
        payment.status = "FAIL_PAYMENT"
        return payment.fail_url, 1

    async def page(self, request):
        payment = self.by_page.get(request.match_info["id"])
        if payment is None:
            raise web.HTTPNotFound(text="결제 정보를 찾을 수 없습니다.")
        if not payment.payable or self.expired(payment):
            return show(payment, "이미 끝난 결제입니다." if not payment.payable else "결제 시간이 지났습니다.")
        if payment.status == "READY":
            payment.status = "OPEN_PAYMENT"
        return show(payment, BUTTONS.format(page=f"/pay/{payment.page}"))

    async def decide(self, request):
        payment = self.by_page.get(request.match_info["id"])
        outcome = payment and self.decided(payment, request.match_info["decision"])
        if not outcome:
            raise web.HTTPSeeOther(f"/pay/{request.match_info['id']}/info")
        address, visits = outcome
        if visits == 2:
            task = asyncio.create_task(self.visit(address))
            self.background.add(task)
            task.add_done_callback(self.background.discard)
        raise web.HTTPSeeOther(address)

    async def visit(self, address):
        """The second visit of a duplicate callback, beside the browser's own."""
        self.browser = self.browser or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        try:
            async with self.browser.get(address, allow_redirects=False) as answer:
                await answer.read()
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            print(f"KakaoPay simulator: second visit failed: {type(error).__name__}", file=sys.stderr)

    async def decide_for_program(self, request):
        payment = self.find(request.match_info["id"])
        if payment is None:
            return respond({"error": "no such payment"}, 404)
        outcome = self.decided(payment, request.match_info["decision"])
        if not outcome:
            return respond({"error": "the payment is over", "status": payment.status}, 409)
        return respond({"tid": payment.tid, "return_url": outcome[0], "visits": outcome[1]})

    # Switches and books

    async def list(self, request):
        wanted = request.query.get("id")
        found = self.payments.values() if wanted is None else filter(None, [self.find(wanted)])
        payments = [payment.summary() for payment in found]
        sums = {name: sum(payment[name] for payment in payments)
                for name in ("approved_amount", "canceled_amount", "net_amount")}
        return respond({"payments": payments, **sums})

    async def set_faults(self, request):
        try:
            self.faults.set(await request.json())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return respond({"error": f"{type(error).__name__}: {error}"}, 400)
        return respond({"faults": list(self.faults.scopes.values())})

    async def clear_faults(self, _request):
        self.faults.clear()
        return respond({"faults": []})

    async def health(self, _request):
        return respond({"status": "UP", "payments": len(self.payments)})


def number(body, name, default=None):
    """A whole number of won or pieces. KakaoPay's own samples send them as text, so both are taken."""
    value = body.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Refusal(INVALID_PARAMETER, f"invalid parameter: {name}")
    return value


def vat(taxed):
    """An eleventh of what is taxed, rounded half up: what KakaoPay computes when it is not sent, for each call by itself."""
    return (2 * taxed + 11) // 22


def amount(total, vat, tax_free=0):
    return {"total": total, "tax_free": tax_free, "vat": vat, "point": 0, "discount": 0, "green_deposit": 0}


def kst(seconds):
    """KakaoPay writes Korean time without an offset."""
    return datetime.datetime.fromtimestamp(seconds, KST).strftime("%Y-%m-%dT%H:%M:%S")


def respond(body, status=200):
    return web.json_response(body, status=status, dumps=lambda value: json.dumps(value, ensure_ascii=False))


def server_error():
    return web.Response(status=500, text="Internal Server Error")


def drop(request):
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def show(payment, content):
    return web.Response(content_type="text/html", text=PAGE.format(
        item=html.escape(payment.item_name), quantity=payment.quantity, total=f"{payment.total:,}", content=content))


CARD = {
    "kakaopay_purchase_corp": "비씨카드", "kakaopay_purchase_corp_code": "104",
    "kakaopay_issuer_corp": "수협은행", "kakaopay_issuer_corp_code": "212",
    "bin": "621640", "card_type": "체크", "install_month": "00", "approved_id": "12345678",
    "card_mid": "123456789", "interest_free_install": "N", "installment_type": "CARD_INSTALLMENT",
}

BUTTONS = """
<form method="post">
  <button class="pay" formaction="{page}/approve">결제하기</button>
  <div class="row">
    <button formaction="{page}/cancel">결제 취소</button>
    <button formaction="{page}/fail">결제 실패</button>
  </div>
</form>"""

PAGE = """<!doctype html>
<html lang="ko">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>카카오페이 결제 (모의)</title>
<style>
  * {{ box-sizing: border-box; margin: 0 }}
  body {{ font: 16px/1.5 system-ui, "Noto Sans KR", sans-serif; background: #f4f4f5; color: #191919;
         display: grid; place-items: center; min-height: 100vh; padding: 16px }}
  main {{ width: 100%; max-width: 380px; background: #fff; border-radius: 16px; padding: 28px 24px;
         box-shadow: 0 4px 24px #0001 }}
  h1 {{ font-size: 18px }}
  h1 small {{ font-weight: 400; color: #888; font-size: 13px }}
  dl {{ margin: 24px 0; border-block: 1px solid #eee; padding: 16px 0 }}
  dl div {{ display: flex; justify-content: space-between; gap: 16px; padding: 4px 0 }}
  dt {{ color: #888; flex: none }}
  dd {{ text-align: right; word-break: keep-all; overflow-wrap: anywhere }}
  .total dd {{ font-size: 22px; font-weight: 700 }}
  button {{ width: 100%; padding: 14px; border: 0; border-radius: 10px; font: inherit; background: #f1f1f1;
           color: inherit; cursor: pointer }}
  .pay {{ background: #ffeb00; font-weight: 700 }}
  .row {{ display: flex; gap: 8px; margin-top: 8px }}
</style>
</head>
<body>
<main>
  <h1>카카오페이 <small>모의 결제 · 돈이 나가지 않습니다</small></h1>
  <dl>
    <div><dt>상품</dt><dd>{item}</dd></div>
    <div><dt>수량</dt><dd>{quantity}</dd></div>
    <div class="total"><dt>결제 금액</dt><dd>{total}원</dd></div>
  </dl>
  {content}
</main>
</body>
</html>"""


def main():
    arguments = argparse.ArgumentParser(description="KakaoPay, simulated on 127.0.0.1")
    arguments.add_argument("--port", type=int, default=4530)
    arguments.add_argument("--session-seconds", type=float, default=900, help="how long a payment can be approved")
    arguments.add_argument("--keep", type=pathlib.Path, help="a file that carries the orders over a restart")
    options = arguments.parse_args()

    simulator = Simulator(
        base=f"http://{HOST}:{options.port}",
        key=os.environ.get("KAKAOPAY_SECRET_KEY", "local-kakaopay-secret"),
        cid=os.environ.get("KAKAOPAY_CID", "TC0ONETIME"),
        session_seconds=options.session_seconds,
    )
    app = simulator.app()

    async def close(_app):
        if simulator.browser:
            await simulator.browser.close()
        if options.keep:
            options.keep.write_text(json.dumps([dataclasses.asdict(p) for p in simulator.payments.values()]))

    app.on_cleanup.append(close)
    if options.keep and options.keep.exists():
        for stored in json.loads(options.keep.read_text()):
            simulator.keep(Payment(**stored))
    try:
        web.run_app(app, host=HOST, port=options.port, access_log=None, print=None)
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened: {error.strerror}"
        sys.exit(f"KakaoPay simulator: port {options.port} {reason}.")


if __name__ == "__main__":
    main()
