"""What the simulated Kakao and Naver refuse is what the real ones do: else a test against them would prove nothing."""

import unittest
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp.test_utils import TestClient, TestServer

from login import Simulator, hashed

BACK = "http://127.0.0.1:3000/v1/auth/{}/callback"
OAUTH = {"kakao": "/oauth", "naver": "/oauth2.0"}
ME = {"kakao": "/v2/user/me", "naver": "/v1/nid/me"}
VERIFIER = "v" * 43


class Login(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.client = TestClient(TestServer(Simulator("http://127.0.0.1:3000").app()))
        await self.client.start_server()
        self.addAsyncCleanup(self.client.close)

    async def page(self, provider: str, **other: str) -> tuple[int, Any]:
        asked = {
            "response_type": "code", "client_id": f"local-{provider}", "redirect_uri": BACK.format(provider), "state": "s",
            "code_challenge": hashed(VERIFIER), "code_challenge_method": "S256",
        }
        headers = {"Accept": "application/json"}
        async with self.client.get(f"{OAUTH[provider]}/authorize", params=asked | other, headers=headers) as answer:
            return answer.status, await answer.json()

    async def code(self, provider: str, person: Any) -> str:
        _, asked = await self.page(provider)
        async with self.client.post(f"/_sim/requests/{asked['request']}/accept", json=person) as answer:
            back = urlsplit((await answer.json())["return_url"])
        self.assertEqual(f"{back.scheme}://{back.netloc}{back.path}", BACK.format(provider))
        given = parse_qs(back.query)
        self.assertEqual(given["state"], ["s"])
        return given["code"][0]

    async def token(self, provider: str, brought: str, **other: str) -> Any:
        form = {
            "grant_type": "authorization_code", "client_id": f"local-{provider}", "client_secret": f"local-{provider}-secret",
            "redirect_uri": BACK.format(provider), "code": brought,
        } | ({"code_verifier": VERIFIER} if provider == "kakao" else {"state": "s"})
        async with self.client.post(f"{OAUTH[provider]}/token", data=form | other) as answer:
            # Naver refuses with 200.
            told = await answer.json()
            self.assertEqual(answer.status == 200, "error" not in told or provider == "naver")
            return told

    async def test_somebody_who_agrees_is_told_of_once_under_each_provider_s_names(self) -> None:
        for provider, person in (("kakao", {"id": 7, "email": "a@b.kr", "is_email_verified": False}), ("naver", {"id": "7"})):
            code = await self.code(provider, person)
            token = (await self.token(provider, code))["access_token"]
            async with self.client.get(ME[provider], headers={"Authorization": f"Bearer {token}"}) as answer:
                told = await answer.json()
            if provider == "kakao":
                account = told["kakao_account"]
                self.assertEqual((told["id"], account["is_email_valid"], account["is_email_verified"]), (7, True, False))
            else:
                self.assertEqual((told["resultcode"], told["response"]), ("00", {"id": "7"}))
            self.assertIn("error", await self.token(provider, code), "a code is good once")

    async def test_a_page_is_shown_to_our_apps_alone_and_leads_back_to_us_alone(self) -> None:
        for provider in OAUTH:
            self.assertEqual((await self.page(provider))[0], 200)
            for wrong in ({"client_id": "other"}, {"redirect_uri": "https://evil.example"}, {"response_type": "token"}):
                self.assertEqual((await self.page(provider, **wrong))[0], 400, wrong)
        self.assertEqual((await self.page("kakao", code_challenge_method="plain"))[0], 400)

    async def test_a_token_is_given_to_whom_the_code_was_meant_for(self) -> None:
        for provider, wrongs in (
            ("kakao", ({"client_secret": "x"}, {"redirect_uri": "x"}, {"code_verifier": "x"}, {"code": "x"}, {"grant_type": "x"})),
            ("naver", ({"client_secret": "x"}, {"redirect_uri": "x"}, {"state": "x"}, {"code": "x"})),
        ):
            for wrong in wrongs:
                code = await self.code(provider, {"id": 7})
                self.assertIn("error", await self.token(provider, code, **wrong), f"{provider}: {wrong}")
                self.assertIn("access_token", await self.token(provider, code), f"{provider}: {wrong} used it up")
        self.assertIn("error", await self.token("naver", await self.code("kakao", {"id": 7})))

    async def test_a_misspelt_switch_is_told(self) -> None:
        _, asked = await self.page("kakao")
        faults = {"faults": {"me": {"reuse": True}}}
        async with self.client.post(f"/_sim/requests/{asked['request']}/accept", json=faults) as answer:
            self.assertEqual(answer.status, 400)


if __name__ == "__main__":
    unittest.main()
