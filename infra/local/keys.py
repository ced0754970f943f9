"""The secrets' values: made once, never shown, the same way in every cloud."""

import base64
import hashlib
import json
import os
from typing import Any

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519


# What others gave us for their systems, by the secret's name: how its one field is called.
GIVEN = {"kakaopay": "secretKey", "kakao": "clientSecret", "naver": "clientSecret"}


def ensure(session: Any, stage: str, given: dict[str, str], **client: Any) -> None:
    """Fills what is still empty, and publishes the public halves of what signs tokens and tickets."""
    secrets, parameters = session.client("secretsmanager", **client), session.client("ssm", **client)

    signing = value_of(secrets, f"{stage}/jwt")
    if signing is None:
        signing = {"current": signing_key()}
        secrets.put_secret_value(SecretId=f"{stage}/jwt", SecretString=json.dumps(signing))
    if value_of(secrets, f"{stage}/cursor") is None:
        secrets.put_secret_value(SecretId=f"{stage}/cursor", SecretString=json.dumps({"current": cursor_key()}))
    for name, value in given.items():
        if value_of(secrets, f"{stage}/{name}") is None:
            secrets.put_secret_value(SecretId=f"{stage}/{name}", SecretString=json.dumps({GIVEN[name]: value}))

    tickets = value_of(secrets, f"{stage}/ticket")
    if tickets is None:
        tickets = {"current": ticket_key()}
        secrets.put_secret_value(SecretId=f"{stage}/ticket", SecretString=json.dumps(tickets))

    published = {
        "jwt": [jwk(key) for key in signing.values() if key],
        "ticket": [jwk(tickets[name]) for name in ("current", "next") if name in tickets] + tickets.get("previous", []),
    }
    for name, jwks in published.items():
        parameters.put_parameter(
            Name=f"/{stage}/{name}-public-keys", Value=json.dumps({"keys": jwks}), Type="String", Overwrite=True)


def value_of(secrets: Any, name: str) -> dict[str, Any] | None:
    try:
        text = secrets.get_secret_value(SecretId=name).get("SecretString", "").strip()
        return json.loads(text) if text else None
    except json.JSONDecodeError:
        # Fresh keys in its place would end every session; a person has to look.
        raise SystemExit(f"The secret {name} is not JSON: mend it, or empty it to have a new one made.") from None
    except ClientError as error:
        # A secret without any version yet is reported like one that does not exist.
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise


def signing_key() -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    return {"kid": _thumbprint(_public(key)), "pem": _pem(key)}


def ticket_key() -> dict[str, str]:
    """Its id is short, for it stands in every QR code."""
    key = ed25519.Ed25519PrivateKey.generate()
    return {"kid": _thumbprint(_public(key))[:8], "pem": _pem(key)}


def cursor_key() -> dict[str, str]:
    return {"kid": os.urandom(4).hex(), "key": _base64url(os.urandom(32))}


def jwk(key: dict[str, str]) -> dict[str, str]:
    """The public half of a key that signs."""
    public = _public(serialization.load_pem_private_key(key["pem"].encode(), password=None))
    return {**public, "kid": key["kid"], "alg": "EdDSA" if public["kty"] == "OKP" else "ES256", "use": "sig"}


def _public(key: Any) -> dict[str, str]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_key().public_bytes_raw())}
    point = key.public_key().public_numbers()
    x, y = (_base64url(number.to_bytes(32, "big")) for number in (point.x, point.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _pem(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def _thumbprint(public: dict[str, str]) -> str:
    """RFC 7638: the hash of the required members, in order, without spaces."""
    text = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(text.encode()).digest())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
