"""Kakao's and Naver's sign-in, simulated as they are on the wire, with switches for faults.

    python infra/local/login.py --port 4568 --public-url http://127.0.0.1:3000

Kakao: `/oauth/authorize`, `/oauth/token`, `/v2/user/me`. Naver: `/oauth2.0/authorize`, `/oauth2.0/token`, `/v1/nid/me`. They check what
the real ones check: the app's id and secret, its one redirect address, the form's type, a code's app, address and age, that it is used
once, Kakao the verifier of PKCE, Naver the `state`. Somebody agrees on a small page. A program asks for that page with
`Accept: application/json`, is told the number of the request, and decides for a person whom it describes:

    POST /_sim/requests/{number}/accept  {"id": …, "nickname": …, …}  → {"return_url": …}    (visits nothing itself)
    POST /_sim/requests/{number}/refuse                               → {"return_url": …}

What it says of the person is what the app is told, under the names that the provider has for it (Kakao's `email` with `is_email_valid` and
`is_email_verified`, both true if not given). And `faults` says what goes wrong for this person alone, so that tests may run side by side:

    {"faults": {"token": {"delay": 6}, "me": {"status": 500}}}
      delay     waits so many seconds before it answers
      status    answers this status and nothing that can be read
      drop      closes the connection
      body      answers this, whatever it is
      reuse     takes a code twice (token only)

Everything is in memory and bound to 127.0.0.1 only: who was signed in does it again after a restart.
"""

import argparse
import asyncio
import base64
import errno
import hashlib
import html
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

HOST = "127.0.0.1"
CODE_SECONDS = 600
# By these we are known here, and by no others.
CLIENTS = {"kakao": ("local-kakao", "local-kakao-secret"), "naver": ("local-naver", "local-naver-secret")}
NAMES = {"kakao": "카카오", "naver": "네이버"}
FAULTS = {"token": {"delay", "status", "drop", "body", "reuse"}, "me": {"delay", "status", "drop", "body"}}

Person = dict[str, Any]


class Refusal(Exception):
    """What a provider answers when it says no."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status, self.body = status, body


@dataclass
class Asked:
    """One request for somebody's consent, from the page to the token."""

    provider: str
    redirect_uri: str
    state: str
    challenge: str | None
    person: Person = field(default_factory=dict)
    agreed_at: float = 0
    used: bool = False

    def fault(self, call: str) -> dict[str, Any]:
        return self.person.get("faults", {}).get(call, {})


class Simulator:
    def __init__(self, public_url: str) -> None:
        self.public_url = public_url
        self.asked: dict[str, Asked] = {}
        self.codes: dict[str, Asked] = {}
        self.tokens: dict[str, Asked] = {}

    def app(self) -> web.Application:
        app = web.Application()
        for provider, oauth, me in (("kakao", "/oauth", "/v2/user/me"), ("naver", "/oauth2.0", "/v1/nid/me")):
            app.add_routes([
                web.get(f"{oauth}/authorize", self.of(provider, self.authorize)),
                web.post(f"{oauth}/token", self.of(provider, self.token)),
                web.get(me, self.of(provider, self.me)),
            ])
        app.add_routes([
            web.post("/consent/{number}/{decision:accept|refuse}", self.decide),
            web.post("/_sim/requests/{number}/{decision:accept|refuse}", self.decide_for_program),
            web.get("/health", self.health),
        ])
        return app

    def of(self, provider: str, handle: Any) -> Any:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await handle(provider, request)
            except Refusal as refusal:
                return respond(refusal.body, refusal.status)
        return answer

    # What the app asks

    async def authorize(self, provider: str, request: web.Request) -> web.StreamResponse:
        """Whoever asks for somebody else's app, or wants them sent elsewhere, is told so here: nobody is sent anywhere."""
        given = request.query
        if given.get("client_id") != CLIENTS[provider][0]:
            raise Refusal(400, {"error": "invalid_client", "error_code": "KOE101"})
        if given.get("redirect_uri") != f"{self.public_url}/v1/auth/{provider}/callback":
            raise Refusal(400, {"error": "invalid_request", "error_code": "KOE006"})
        challenge = given.get("code_challenge") if provider == "kakao" else None
        if given.get("response_type") != "code" or challenge and given.get("code_challenge_method") != "S256":
            raise Refusal(400, {"error": "invalid_request", "error_code": "KOE205"})
        number = secrets.token_urlsafe(16)
        self.asked[number] = Asked(provider, given["redirect_uri"], given.get("state", ""), challenge)
        if "application/json" in request.headers.get("Accept", ""):
            return respond({"request": number})
        return web.Response(content_type="text/html", text=PAGE.format(name=NAMES[provider], number=html.escape(number)))

    async def token(self, provider: str, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/x-www-form-urlencoded":
            raise Refusal(400, {"error": "invalid_request", "error_code": "KOE002"})
        form = await request.post()
        code = str(form.get("code", ""))
        asked = self.codes.get(code)
        if asked and (broken := await self.broken(request, asked.fault("token"))):
            return broken
        try:
            self.check(provider, form, asked)
        except Refusal as refusal:
            # Naver says no with 200.
            raise refusal if provider == "kakao" else Refusal(200, refusal.body) from None
        assert asked
        asked.used = True
        token = secrets.token_urlsafe(32)
        self.tokens[token] = asked
        return respond({"access_token": token, "token_type": "bearer", "refresh_token": secrets.token_urlsafe(32),
                        "expires_in": 21599 if provider == "kakao" else "3600"})

    def check(self, provider: str, form: Any, asked: Asked | None) -> None:
        if (form.get("client_id"), form.get("client_secret")) != CLIENTS[provider]:
            raise Refusal(401, {"error": "invalid_client", "error_description": "Bad client credentials", "error_code": "KOE010"})
        if form.get("grant_type") != "authorization_code":
            raise Refusal(400, {"error": "unsupported_grant_type", "error_code": "KOE203"})
        bad = Refusal(400, {"error": "invalid_grant", "error_description": "authorization code not found", "error_code": "KOE320"})
        if asked is None or asked.provider != provider or time.time() > asked.agreed_at + CODE_SECONDS:
            raise bad
        if asked.used and not asked.fault("token").get("reuse"):
            raise bad
        if form.get("redirect_uri") != asked.redirect_uri:
            raise Refusal(400, {"error": "invalid_grant", "error_code": "KOE303"})
        if provider == "naver" and form.get("state") != asked.state:
            raise bad
        if asked.challenge and hashed(str(form.get("code_verifier", ""))) != asked.challenge:
            raise bad

    async def me(self, provider: str, request: web.Request) -> web.StreamResponse:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        asked = self.tokens.get(token)
        if kind != "Bearer" or asked is None or asked.provider != provider:
            raise Refusal(401, {"code": -401, "msg": "this access token does not exist"} if provider == "kakao"
                          else {"resultcode": "024", "message": "Authentication failed"})
        if broken := await self.broken(request, asked.fault("me")):
            return broken
        told = {name: value for name, value in asked.person.items() if name != "faults"}
        if provider == "naver":
            return respond({"resultcode": "00", "message": "success", "response": told})
        profile = {"nickname": told["nickname"]} if "nickname" in told else {}
        account = {"profile": profile, "profile_nickname_needs_agreement": not profile}
        if "email" in told:
            account |= {"has_email": True, "is_email_valid": True, "is_email_verified": True}
            account |= {name: told[name] for name in ("email", "is_email_valid", "is_email_verified") if name in told}
        return respond({"id": told["id"], "connected_at": "2026-11-29T00:00:00Z", "properties": profile, "kakao_account": account})

    async def broken(self, request: web.Request, fault: dict[str, Any]) -> web.StreamResponse | None:
        await asyncio.sleep(fault.get("delay", 0))
        if fault.get("drop"):
            if request.transport:
                request.transport.abort()
            return web.Response(status=500)
        if "status" in fault:
            return web.Response(status=fault["status"], text="<html>error</html>", content_type="text/html")
        return respond(fault["body"]) if "body" in fault else None

    # What somebody decides

    def decided(self, asked: Asked, decision: str, person: Person) -> str:
        """Where their browser goes next."""
        if decision == "refuse":
            said = {"error": "access_denied", "error_description": "User denied access"}
        else:
            code = secrets.token_urlsafe(24)
            asked.person, asked.agreed_at = person, time.time()
            self.codes[code] = asked
            said = {"code": code}
        return f"{asked.redirect_uri}?{urlencode(said | {'state': asked.state})}"

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """A person of this name is the same each time."""
        asked = self.asked.pop(request.match_info["number"], None)
        if asked is None:
            raise web.HTTPNotFound(text="이미 끝난 요청입니다.")
        form = await request.post()
        name = str(form.get("nickname") or "별빛")
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")
        person: Person = {"id": number if asked.provider == "kakao" else str(number), "nickname": name}
        if email := form.get("email"):
            person["email"] = str(email)
        raise web.HTTPSeeOther(self.decided(asked, request.match_info["decision"], person))

    async def decide_for_program(self, request: web.Request) -> web.StreamResponse:
        asked = self.asked.pop(request.match_info["number"], None)
        if asked is None:
            return respond({"error": "no such request"}, 404)
        person = await request.json() if request.can_read_body else {}
        for call, fault in person.get("faults", {}).items():
            # A misspelt switch would make a test of faults pass without a fault.
            if unknown := fault.keys() - FAULTS.get(call, set()):
                return respond({"error": f"unknown switches of {call}: {', '.join(unknown)}"}, 400)
        return respond({"return_url": self.decided(asked, request.match_info["decision"], person)})

    async def health(self, _request: web.Request) -> web.StreamResponse:
        return respond({"status": "UP"})


def hashed(verifier: str) -> str:
    """RFC 7636, 4.2: `S256`."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def respond(body: Any, status: int = 200) -> web.StreamResponse:
    return web.json_response(body, status=status, dumps=lambda value: json.dumps(value, ensure_ascii=False))


PAGE = """<!doctype html>
<html lang="ko">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{name} 로그인 (모의)</title>
<style>
  * {{ box-sizing: border-box; margin: 0 }}
  body {{ font: 16px/1.5 system-ui, "Noto Sans KR", sans-serif; background: #f4f4f5; color: #191919;
         display: grid; place-items: center; min-height: 100vh; padding: 16px }}
  main {{ width: 100%; max-width: 380px; background: #fff; border-radius: 16px; padding: 28px 24px;
         box-shadow: 0 4px 24px #0001 }}
  h1 {{ font-size: 18px }}
  h1 small {{ font-weight: 400; color: #888; font-size: 13px }}
  p {{ margin: 16px 0; word-break: keep-all }}
  label {{ display: block; margin: 12px 0; color: #666; font-size: 14px }}
  input {{ width: 100%; padding: 10px; border: 1px solid #ddd; border-radius: 8px; font: inherit }}
  button {{ width: 100%; margin-top: 8px; padding: 14px; border: 0; border-radius: 10px; font: inherit; background: #f1f1f1;
           color: inherit; cursor: pointer }}
  .yes {{ background: #191919; color: #fff; font-weight: 700 }}
</style>
</head>
<body>
<main>
  <h1>{name} 로그인 <small>모의 · 아무나 될 수 있습니다</small></h1>
  <p>소극장이 프로필과 이메일을 보려고 합니다. 같은 이름은 늘 같은 사람입니다.</p>
  <form method="post">
    <label>이름 <input name="nickname" value="별빛" autocomplete="off"></label>
    <label>확인된 이메일 (비워 두면 알리지 않습니다) <input name="email" type="email" autocomplete="off"></label>
    <button class="yes" formaction="/consent/{number}/accept">동의하고 계속하기</button>
    <button formaction="/consent/{number}/refuse">취소</button>
  </form>
</main>
</body>
</html>"""


def main() -> None:
    arguments = argparse.ArgumentParser(description="Kakao's and Naver's sign-in, simulated on 127.0.0.1")
    arguments.add_argument("--port", type=int, default=4568)
    arguments.add_argument("--public-url", required=True, help="the only base address that people are sent back to")
    options = arguments.parse_args()
    try:
        web.run_app(Simulator(options.public_url).app(), host=HOST, port=options.port, access_log=None, print=None)
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened: {error.strerror}"
        sys.exit(f"Sign-in simulator: port {options.port} {reason}.")


if __name__ == "__main__":
    main()
