"""A fan finds a show, buys a ticket and sees it, by a client that is made of the document."""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[2] / "infra/local"))

from seed import code
from spotlight_space import AuthenticatedClient, Client
from spotlight_space import models
from spotlight_space.api.catalog import create_event, search_events
from spotlight_space.api.identity import sign_in, sign_up, verify_code
from spotlight_space.api.payments import approve_payment, create_payment, get_payment
from spotlight_space.api.tickets import list_my_tickets

ADDRESS = os.environ["SPOTLIGHT_URL"]
RUN = uuid4().hex
PASSWORD = "correct horse battery"
Answer = TypeVar("Answer")


def done(call: Callable[..., Any], kind: type[Answer], **given: Any) -> Answer:
    """What the document promises; a refusal ends the journey."""
    answer = call(**given)
    assert isinstance(answer, kind), answer
    return answer


def member(role: models.SignUpRole) -> AuthenticatedClient:
    anyone, email = Client(base_url=ADDRESS), f"{role.value}-{RUN}@clients.spotlight.example".lower()
    body = models.SignUp(email=email, password=PASSWORD, nickname="누구", role=role, fourteen_or_older=True)
    asked = done(sign_up.sync, models.CodeAsked, client=anyone, body=body)
    shown = models.VerifyCode(code_id=asked.code_id, code=code(ADDRESS, email))
    done(verify_code.sync, models.CodeVerified, client=anyone, body=shown)
    session = done(sign_in.sync, models.Access, client=anyone, body=models.SignIn(email=email, password=PASSWORD))
    return AuthenticatedClient(base_url=ADDRESS, token=session.access_token)


def found(client: AuthenticatedClient, title: str) -> models.FoundEvent:
    """A search sees a show a moment after it was published."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        page = done(search_events.sync, models.FoundEvents, client=client, q=title, on_sale=True)
        if page.items and page.items[0].title == title:
            return page.items[0]
    raise AssertionError(f"the search does not find {title}")


artist, fan = member(models.SignUpRole.ARTIST), member(models.SignUpRole.USER)
now, title = datetime.now(timezone.utc), f"파이썬의 밤 {RUN[:8]}"
show = models.CreateEvent(
    title=title, place="망원동 소극장", content="형이 있는 공연.", category=models.CreateEventCategory.MUSIC, capacity=4,
    price=30_000, starts_at=now + timedelta(30), ends_at=now + timedelta(31), sale_starts_at=now - timedelta(1),
    sale_ends_at=now + timedelta(29),
)
done(create_event.sync, models.EventView, client=artist, body=show, idempotency_key=RUN)
event = found(fan, title)

order = models.CreatePayment(event_id=event.id, purpose=models.CreatePaymentPurpose.TICKETS, quantity=2)
held = done(create_payment.sync, models.HeldView, client=fan, body=order, idempotency_key=RUN)
order.quantity = 3
refused = done(create_payment.sync, models.CreatePaymentResponse400, client=fan, body=order, idempotency_key=f"{RUN}-more")
assert refused.code == models.CreatePaymentResponse400Code.TICKET_LIMIT, refused

# KakaoPay is no part of the document: its simulator sends the buyer back.
page = urllib.request.Request(f"{os.environ['KAKAOPAY_URL']}/_sim/payments/{held.id}/approve", method="POST")
with urllib.request.urlopen(page) as answer:
    back = urlsplit(json.load(answer)["return_url"])
token, (pg_token,) = back.path.split("/")[-2], parse_qs(back.query)["pg_token"]
done(approve_payment.sync, models.PaymentView, client=fan, payment_id=held.id, token=token, pg_token=pg_token)
paid = done(get_payment.sync, models.PaymentView, client=fan, payment_id=held.id)
assert paid.state == models.PaymentState.APPROVED, paid

tickets = done(list_my_tickets.sync, models.ListTicketView, client=fan).items
assert [type(ticket) for ticket in tickets] == [models.TicketView] * 2, tickets
assert all(ticket.event.title == title for ticket in tickets), tickets
print(f"Python: bought {len(tickets)} tickets of {title}")
