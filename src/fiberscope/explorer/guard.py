"""Who may come in: loopback only, or with a token; only from the page itself; nothing on it from elsewhere."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fiberscope.problem import FiberscopeError

_LEAST_TOKEN = 16

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Guard:
    """The rules of one server; ``token`` is None where none is asked for."""

    host: str
    port: int
    token: str | None

    @property
    def cookie(self) -> str:
        """The name of the cookie with the token: cookies know no ports, and two servers may run on one machine."""
        return f"fiberscope-{self.port}"

    def knows_host(self, headers: Mapping[str, str]) -> bool:
        """Whether the request is for this server by a name that is its own.

        On loopback the name has to be loopback too: another site whose name leads here (DNS rebinding) is refused.
        """
        name = _host_of(f"//{headers.get('host', '')}")
        return is_loopback(name) if is_loopback(self.host) else bool(name)

    def same_origin(self, headers: Mapping[str, str]) -> bool:
        """Whether a script of this very page opens the connection."""
        scheme, _, place = headers.get("origin", "").partition("://")
        return scheme in ("http", "https") and bool(_host_of(f"//{place}")) and place == headers.get("host", "")

    def has_token(self, headers: Mapping[str, str], query: str) -> bool:
        """Whether the token is in the cookie or in the address."""
        if self.token is None:
            return True
        found = [*parse_qs(query).get("token", []), *_cookies(headers.get("cookie", ""), self.cookie)]
        return any(hmac.compare_digest(each.encode(errors="replace"), self.token.encode()) for each in found)


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # a bracket that is not closed, and the like
        return ""


def _cookies(header: str, name: str) -> list[str]:
    """Values of that name; what other servers of this machine have set is skipped, whatever it looks like."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return [value.strip('"') for found, _, value in pairs if found == name]


def make_token(host: str, wanted: str | None) -> str | None:
    """The token that an address asks for: none on loopback unless one is wanted, elsewhere a random one by default.

    Raises `FiberscopeError` for one that could be guessed or cannot stand in an address.
    """
    if wanted is None:
        return None if is_loopback(host) else secrets.token_urlsafe(24)
    if len(wanted) < _LEAST_TOKEN or not re.fullmatch(r"[A-Za-z0-9_-]+", wanted):
        raise FiberscopeError(
            f"token: expected at least {_LEAST_TOKEN} letters, figures, - or _. Leave it out for a random one."
        )
    return wanted
