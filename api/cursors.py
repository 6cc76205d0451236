"""Cursors: where a walk over a list stands, signed so that nobody can write one by hand."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.problems import Problem

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Position:
    """The release a walk began on, the list and filters it belongs to, and the last row's sort values."""

    release: str
    scope: str
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with a key that all processes behind one address must share (FINOPS_CURSOR_KEY)."""

    key: bytes

    def digest(self, *parts: str) -> str:
        """Return a MAC over a tuple of texts; equal tuples under an equal key have equal digests."""
        return self._mac(json.dumps(parts).encode()).hex()

    def write(self, position: Position) -> str:
        """Return a position as an opaque token."""
        payload = json.dumps([position.release, position.scope, list(position.values)], ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._mac(payload) + payload).decode().rstrip("=")

    def read(self, token: str) -> Position:
        """Return what `write` was given. Raises Problem for any other token."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _not_ours() from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise _not_ours()
        position = Position(*json.loads(payload))
        if self.write(position) != token:  # base64 has several spellings of the same bytes
            raise _not_ours()
        return position

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self.key, payload, hashlib.sha256)[:_MAC_BYTES]


def _not_ours() -> Problem:
    detail = "not a cursor of this server; begin again without it"
    return Problem("invalid_cursor", f"cursor: {detail}", [{"parameter": "cursor", "detail": detail}])
