"""Pictures that are sent: kept, sent again, refused."""

from __future__ import annotations

import zlib

import httpx
import pytest
from small_views import dual_encoder

from web.asking import png, refused
from web.conftest import Serving
from whylight.web import Limits, app


def test_an_uploaded_picture(client: httpx.Client) -> None:
    sent = client.post("/api/pictures", content=png()).json()
    assert (sent["width"], sent["height"]) == (64, 48)
    answer = client.post("/api/explain", json={"picture": sent["picture"], "targets": ["a star"]}).json()
    assert answer["picture_size"] == [48, 64]
    for value in range(60):  # more than are kept
        client.post("/api/pictures", content=png(value=value))
    refused(client.post("/api/explain", json={"picture": sent["picture"], "targets": ["a ring"]}), 410, "send it again")
    again = client.post("/api/pictures", content=png()).json()
    assert again["picture"] == sent["picture"]
    assert client.post("/api/explain", json={"picture": sent["picture"], "targets": ["a star"]}).json()["grid"] == [
        4,
        4,
    ]


def huge_png() -> bytes:
    """A few bytes that would be 2.7 GB of pixels."""
    chunks = (
        (b"IHDR", (30_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    )
    made = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks:
        made += len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
    return made


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 415, "no picture"),
        (b"<svg onload=alert(1)>", 415, "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", 415, "no picture"),
        (b"\x80\x04\x95pickle", 415, "no picture"),
        (huge_png(), 413, "at most"),
        (png()[:60], 422, "cannot be read"),
        (b"\xff\xd8\xff" + b"\0" * 50, 422, "cannot be read"),
        (b"x" * 200_001, 413, "at most"),
    ],
)
def test_uploads_that_are_refused(client: httpx.Client, data: bytes, status: int, said: str) -> None:
    refused(client.post("/api/pictures", content=data), status, said)


def test_a_body_that_does_not_say_how_long_it_is(client: httpx.Client) -> None:
    parts = (b"x" * 50_000 for _ in range(20))
    refused(client.post("/api/pictures", content=parts), 413, "at most")
    parts = (b" " * 500_000 for _ in range(20))
    answer = client.post("/api/explain", content=parts, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


def test_a_body_that_does_not_come() -> None:
    import socket

    serving = Serving(app(dual_encoder(), limits=Limits(seconds=0.3)))
    host, port = serving.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(f"POST /api/pictures HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 100\r\n\r\nabc".encode())
        assert b" 408 " in slow.recv(1000).split(b"\r\n")[0]
    serving.stop()
