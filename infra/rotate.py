"""Moves the keys of a stage on by one step: rotate.py <stage> jwt|cursor|ticket next|use|forget

`next` makes another key known, `use` signs with it, `forget` ends the old one. infra/runbook.md says how long to wait
between them. No key is ever shown.
"""

import json
import sys
from pathlib import Path
from typing import Any

import boto3

sys.path.insert(0, str(Path(__file__).parent / "local"))

import keys  # noqa: E402

Keys = dict[str, Any]


def tokens(step: str, held: Keys) -> Keys:
    match step:
        case "next" if "next" not in held:
            return held | {"next": keys.signing_key()}
        case "use" if "next" in held:
            return {"current": held["next"], "previous": held["current"]}
        case "forget" if "previous" in held:
            return {name: key for name, key in held.items() if name != "previous"}
    raise SystemExit(f"No step `{step}` from here; there are: {', '.join(held)}.")


def cursors(step: str, held: Keys) -> Keys:
    """A cursor's key opens as `previous` before and after it seals as `current`."""
    match step:
        case "next" if "previous" not in held:
            return held | {"previous": keys.cursor_key()}
        case "use" if "previous" in held:
            return {"current": held["previous"], "previous": held["current"]}
        case "forget" if "previous" in held:
            return {"current": held["current"]}
    raise SystemExit(f"No step `{step}` from here; there are: {', '.join(held)}.")


def tickets(step: str, held: Keys) -> Keys:
    """A ticket outlives its key's turn by far, so of a key that signs no more the public half stays, the newest first."""
    match step:
        case "next" if "next" not in held:
            return held | {"next": keys.ticket_key()}
        case "use" if "next" in held:
            return {"current": held["next"], "previous": [keys.jwk(held["current"]), *held.get("previous", [])]}
        case "forget" if held.get("previous"):
            return held | {"previous": held["previous"][:-1]}
    raise SystemExit(f"No step `{step}` from here; there are: {', '.join(held)}.")


STEPS = {"jwt": tokens, "cursor": cursors, "ticket": tickets}


def main() -> None:
    match sys.argv[1:]:
        case [stage, "jwt" | "cursor" | "ticket" as what, "next" | "use" | "forget" as step]:
            secrets = boto3.client("secretsmanager")
            held = keys.value_of(secrets, f"{stage}/{what}")
            if held is None:
                raise SystemExit(f"{stage}/{what} has no keys yet: `make deploy` makes them.")
            held = STEPS[what](step, {name: key for name, key in held.items() if key})
            secrets.put_secret_value(SecretId=f"{stage}/{what}", SecretString=json.dumps(held))
            ids = {name: [key["kid"] for key in (key if isinstance(key, list) else [key])] for name, key in held.items()}
            print(f"{stage}/{what}: " + ", ".join(f"{name} {' '.join(kids)}" for name, kids in ids.items()))
        case _:
            raise SystemExit("usage: rotate.py <stage> jwt|cursor|ticket next|use|forget")


if __name__ == "__main__":
    main()
