"""What stands before every request: whose page asks, how large the body is, what the browser may do with the answer."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whylight.web.limits import Limits
from whylight.web.refusal import Refusal, refused

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Door:
    """Who may come in.

    Attributes:
        names: host names under which the server is reached.
        addresses: it may also be reached under any bare IP address. Other pages can point names of theirs at this
            machine (DNS rebinding), never an address.
        token: what requests to the API must bring, if anything.
        framed_by: the origin whose pages may show this one inside theirs.
    """

    names: tuple[str, ...] = LOOPBACK
    addresses: bool = False
    token: str | None = None
    framed_by: str | None = None

    def knows(self, host: str) -> bool:
        """Whether a Host header (with or without port) is one of ours."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name.lower() in self.names or (self.addresses and _is_address(name))

    def refuses(self, method: str, path: str, headers: Headers) -> tuple[int, str, str] | None:
        """Why a request may not come in: status, code and line; None where it may."""
        host = headers.get("host", "")
        if not self.knows(host):
            return (
                421,
                "wrong_host",
                "this server does not answer under that host name: whylight web --name NAME allows it",
            )
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != host.lower():
            return 403, "wrong_origin", "requests of other pages are refused"
        is_api = path.startswith("/api/")
        if is_api and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "wrong_origin", "requests of other pages are refused"
        if is_api and self.token is not None:
            given = headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                return 401, "token", "this server asks for its token: open the address that it printed"
        return None


class Guard:
    """Middleware that refuses what :class:`Door` does and what is too large, and puts security headers on answers."""

    def __init__(self, app: ASGIApp, door: Door, limits: Limits) -> None:
        self.app, self.door, self.limits = app, door, limits
        self._headers = _security_headers(door.framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers:
                    headers[name] = value
            await send(message)

        headers, path = Headers(scope=scope), scope["path"]
        most = self.limits.upload_bytes if path == "/api/pictures" else self.limits.body_bytes
        refusal = self.door.refuses(scope["method"], path, headers) or _too_large(headers.get("content-length"), most)
        if refusal is not None:
            await refused(*refusal)(scope, receive, send_guarded)
            return
        taken, whole = 0, False

        async def receive_bounded() -> Message:
            nonlocal taken, whole
            if whole:  # what follows the body is that the client has gone
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self.limits.seconds)
            except asyncio.TimeoutError:
                raise Refusal(408, "too_slow", "the request did not arrive in time") from None
            whole = not message.get("more_body", False)
            taken += len(message.get("body", b""))
            if taken > most:  # of a body that did not say how long it is
                raise Refusal(413, "too_large", f"at most {most / 2**20:.0f} MB are taken")
            return message

        await self.app(scope, receive_bounded, send_guarded)


def _too_large(length: str | None, most: int) -> tuple[int, str, str] | None:
    if length is not None and (not length.isdecimal() or int(length) > most):
        return 413, "too_large", f"at most {most / 2**20:.0f} MB are taken"
    return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _security_headers(framed_by: str | None) -> Iterable[tuple[str, str]]:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {framed_by or chr(39) + 'none' + chr(39)}"
    )
    return (
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    )
