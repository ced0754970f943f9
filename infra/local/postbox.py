"""The mail that the local SES took: as a page for people, and as JSON for programs."""

import html
import json
from datetime import datetime, timezone
from typing import Any

from aiohttp import ClientSession, web

class Postbox:
    """What lies in the local cloud at `aws`."""

    def __init__(self, aws: str) -> None:
        self.address = f"{aws}/_ministack/ses/messages"

    async def show(self, client: ClientSession, request: web.BaseRequest) -> web.Response:
        async with client.get(self.address) as answer:
            accounts = json.loads(await answer.read())["messages"]
        sent = [record for records in accounts.values() for record in records]
        to = request.rel_url.query.get("to")
        letters = [_letter(record) for record in reversed(sent) if to in (None, *record["To"])]
        if "text/html" in request.headers.get("Accept", ""):
            return web.Response(text=_page(letters), content_type="text/html")
        return web.json_response({"items": letters})


def _letter(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "to": record["To"][0], "subject": record["Subject"], "text": record["BodyText"], "html": record["BodyHtml"],
        "sentAt": datetime.fromtimestamp(record["Timestamp"], timezone.utc).isoformat(timespec="seconds"),
    }


def _page(letters: list[dict[str, Any]]) -> str:
    shown = "".join(
        f"<details{' open' if place == 0 else ''}><summary>{html.escape(letter['subject'])} "
        f"<small>{html.escape(letter['to'])} · {letter['sentAt']}</small></summary>"
        f"<iframe sandbox srcdoc=\"{html.escape(letter['html'])}\"></iframe></details>"
        for place, letter in enumerate(letters))
    return f"""<!doctype html>
<html lang="ko"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>보낸 메일 · What was mailed</title>
<style>
  body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }}
  summary {{ cursor: pointer; padding: .5rem 0; }} small {{ opacity: .7; }}
  iframe {{ width: 100%; height: 30rem; border: 1px solid #ccc; border-radius: 8px; }}
</style>
<h1>보낸 메일 · What was mailed</h1>
{shown or "<p>아직 없습니다. Nothing yet.</p>"}</html>"""
