"""What a station says when it opens its WebSocket: its identity and its Basic credentials."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote, urlsplit

from websockets.datastructures import Headers


def identity_of(path: str) -> str:
    """The last part of the path."""
    return unquote(urlsplit(path).path.rsplit("/", 1)[-1])


def credentials_of(headers: Headers) -> tuple[str, str] | None:
    """User and password of Basic authentication; None where there are none."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password
