// A fan finds a show, buys a ticket and sees it, by a client whose types are made of the document. What the types don't allow,
// does not compile: each status, each code, each field here stands in the document.
import createClient from "openapi-fetch";
import type { components, operations, paths } from "./api.js";

type Payment = components["schemas"]["PaymentView"];
type Refused = operations["create_payment"]["responses"][400]["content"]["application/problem+json"];

const address = process.env.SPOTLIGHT_URL!;
const api = createClient<paths>({ baseUrl: address, headers: { Accept: "application/json", "Accept-Language": "en" } });
const run = crypto.randomUUID();
const password = "correct horse battery";

/** A member who is signed in, as headers. */
async function member(role: "ARTIST" | "USER") {
  const email = `${role}-${run}@clients.spotlight.example`.toLowerCase();
  const { codeId } = await done(api.POST("/v1/auth/sign-up", { body: { email, password, nickname: "누구", role, fourteenOrOlder: true } }));
  await done(api.POST("/v1/auth/email-codes/verify", { body: { codeId, code: await mailed(email) } }));
  const session = await done(api.POST("/v1/auth/sign-in", { body: { email, password } }));
  return { Authorization: `Bearer ${session.accessToken}` };
}

/** The code that was mailed to an address; the local stack's mail is no part of the document. */
async function mailed(email: string): Promise<string> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    const answer = await fetch(`${address}/dev/mail?to=${encodeURIComponent(email)}`);
    const { items } = (await answer.json()) as { items: { text: string }[] };
    const code = items[0]?.text.match(/^ +(\d{6})$/m)?.[1];
    if (code) return code;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no code was mailed to ${email}`);
}

async function done<T>(call: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const { data, error } = await call;
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

/** What to tell a buyer who is refused. The compiler knows every code that there may be. */
function words(code: Refused["code"]): string {
  switch (code) {
    case "SOLD_OUT":
    case "NOT_ENOUGH_SEATS":
    case "TICKET_LIMIT":
      return "fewer tickets, please";
    case "SALE_NOT_STARTED":
    case "SALE_ENDED":
    case "SALE_CLOSED":
    case "EVENT_CANCELLED":
      return "not on sale";
    case "OFFER_OVER":
      return "wait again";
    case "QUEUE_NUMBER_NEEDED":
      return "take a number";
    case "COUPON_NOT_USABLE":
    case "NOT_ENOUGH_POINTS":
    case "POINTS_EXCEED_PRICE":
      return "pay otherwise";
    case "SPONSORS_ONESELF":
      return "another artist";
    case "PAYMENT_REFUSED":
      return "begin anew";
    case "BROKEN_TEXT":
    case "NOT_JSON":
    case "BAD_REQUEST":
      return "our own defect";
  }
}

const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
const [artist, fan] = [await member("ARTIST"), await member("USER")];
const title = `타입스크립트의 밤 ${run.slice(0, 8)}`;
const event = await done(api.POST("/v1/events", {
  headers: artist,
  params: { header: { "Idempotency-Key": run } },
  body: {
    title, place: "망원동 소극장", content: "형이 있는 공연.", category: "MUSIC", capacity: 4, price: 30_000,
    startsAt: day(30), endsAt: day(31), saleStartsAt: day(-1), saleEndsAt: day(29),
  },
}));

let found: components["schemas"]["FoundEvent"] | undefined;
for (const end = Date.now() + 30_000; !found && Date.now() < end;) {
  const page = await done(api.GET("/v1/events", { params: { query: { q: title, onSale: true } } }));
  found = page.items.find((item) => item.id === event.id);
}
if (!found) throw new Error("the search does not find the show");

const buy = (key: string, quantity: number) => api.POST("/v1/payments", {
  headers: fan,
  params: { header: { "Idempotency-Key": key } },
  body: { purpose: "TICKETS", eventId: found.id, quantity },
});
const held = await done(buy(run, 2));
const { error: refusal, response } = await buy(`${run}-more`, 3);
if (response.status !== 400 || typeof refusal !== "object") throw new Error("three more are beyond the limit");
if (words((refusal as Refused).code) !== "fewer tickets, please") throw new Error(JSON.stringify(refusal));

// KakaoPay is no part of the document: its simulator sends the buyer back.
const page = await fetch(`${process.env.KAKAOPAY_URL}/_sim/payments/${held.id}/approve`, { method: "POST" });
const back = new URL(((await page.json()) as { return_url: string }).return_url);
const [, , , paymentId, , token] = back.pathname.split("/");
const paid = await done(api.GET("/v1/payments/{paymentId}/returns/{token}/approve", {
  params: { path: { paymentId: paymentId!, token: token! }, query: { pg_token: back.searchParams.get("pg_token")! } },
})) as Payment;
if (paid.state !== "APPROVED") throw new Error(`the payment is ${paid.state}`);

const tickets = await done(api.GET("/v1/me/tickets", { headers: fan }));
const shown: components["schemas"]["TicketView"][] = tickets.items;
if (shown.length !== 2 || shown.some((ticket) => ticket.event.title !== title)) throw new Error(JSON.stringify(shown));
console.log(`TypeScript: bought ${shown.length} tickets of ${title}`);
