"""Two small shops over PostgreSQL, to compare ours with: one ticket an order, four of an event for each member, a key that buys once.

    reference.py --port 8000 --database postgres://… --way row        the event's row is locked, then the order is written
    reference.py --port 8000 --database postgres://… --way advisory   a lock of the event, its orders are counted, one is written
"""

import argparse
from collections.abc import AsyncIterator

import asyncpg
from aiohttp import web

TABLES = """
    CREATE TABLE IF NOT EXISTS events (id serial PRIMARY KEY, seats int NOT NULL, sold int NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS orders (
        id bigserial PRIMARY KEY, event int NOT NULL REFERENCES events, member text NOT NULL, key text NOT NULL,
        ordered_at timestamptz NOT NULL DEFAULT now(), UNIQUE (event, member, key));
"""
CONNECTIONS = 16


class Refused(Exception):
    pass


class Shop:
    def __init__(self, database: str, way: str) -> None:
        self.database, self.take = database, {"row": self.by_row, "advisory": self.by_advisory}[way]

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        self.pool = await asyncpg.create_pool(self.database, min_size=CONNECTIONS, max_size=CONNECTIONS)
        await self.pool.execute(TABLES)
        yield
        await self.pool.close()

    async def by_row(self, connection: asyncpg.Connection, event: int) -> None:
        seats = await connection.fetchrow("SELECT seats, sold FROM events WHERE id = $1 FOR UPDATE", event)
        if seats["sold"] >= seats["seats"]:
            raise Refused("SOLD_OUT")
        await connection.execute("UPDATE events SET sold = sold + 1 WHERE id = $1", event)

    async def by_advisory(self, connection: asyncpg.Connection, event: int) -> None:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", event)
        left = await connection.fetchval("SELECT seats - (SELECT count(*) FROM orders WHERE event = $1) FROM events WHERE id = $1", event)
        if left <= 0:
            raise Refused("SOLD_OUT")

    async def order(self, request: web.Request) -> web.Response:
        asked = await request.json()
        event, member = int(asked["event"]), asked["member"]
        try:
            async with self.pool.acquire() as connection, connection.transaction():
                await self.take(connection, event)
                if await connection.fetchval("SELECT count(*) FROM orders WHERE event = $1 AND member = $2", event, member) >= 4:
                    raise Refused("TICKET_LIMIT")
                made = await connection.fetchval(
                    "INSERT INTO orders (event, member, key) VALUES ($1, $2, $3) RETURNING id", event, member, asked["key"])
        except Refused as refused:
            return web.json_response({"code": str(refused)}, status=400)
        return web.json_response({"id": made}, status=201)

    async def publish(self, request: web.Request) -> web.Response:
        seats = (await request.json())["seats"]
        return web.json_response({"id": await self.pool.fetchval("INSERT INTO events (seats) VALUES ($1) RETURNING id", seats)})

    async def show(self, request: web.Request) -> web.Response:
        sold = await self.pool.fetchval("SELECT count(*) FROM orders WHERE event = $1", int(request.match_info["event"]))
        return web.json_response({"sold": sold})


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--database", required=True)
    arguments.add_argument("--way", choices=("row", "advisory"), required=True)
    given = arguments.parse_args()
    shop, app = Shop(given.database, given.way), web.Application()
    app.cleanup_ctx.append(shop.run)
    app.add_routes([web.post("/orders", shop.order), web.post("/events", shop.publish), web.get("/events/{event}", shop.show)])
    web.run_app(app, host="127.0.0.1", port=given.port, access_log=None, print=None)


if __name__ == "__main__":
    main()
