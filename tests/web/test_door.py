"""Who may come in, and what there is to see."""

from __future__ import annotations

import httpx
from small_views import dual_encoder

from web.asking import ASK, refused
from web.conftest import Serving
from whylight.web import app
from whylight.web.guard import Door


def test_who_may_come_in(client: httpx.Client) -> None:
    for headers, status in (
        ({}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": "192.168.1.7"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"origin": str(client.base_url).rstrip("/")}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ):
        answer = client.get("/api/models", headers=headers)
        assert answer.status_code == status, headers
        assert client.post("/api/explain", json=ASK, headers=headers).status_code == status
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200  # a link to the page


def test_the_page_and_nothing_else_is_there(client: httpx.Client) -> None:
    assert "<title>Whylight" in client.get("/").text
    script = client.get("/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert client.get("/main.js", headers={"if-none-match": script.headers["etag"]}).status_code == 304
    for path in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/page/main.js", "/docs", "/etc/passwd"):
        refused(client.get(path), 404)
    refused(client.get("/api/explain"), 405)
    assert "/api/explain" in client.get("/api/openapi.json").json()["paths"]


def test_a_token_and_a_name() -> None:
    door = Door(("localhost", "127.0.0.1", "demo.example"), True, "s3cret")
    serving = Serving(app(dual_encoder(), door=door))
    with httpx.Client(base_url=serving.address) as client:
        assert client.get("/").status_code == 200
        refused(client.get("/api/models"), 401, "token")
        refused(client.get("/api/models", headers={"authorization": "Bearer x"}), 401, "token")
        right = {"authorization": "Bearer s3cret"}
        for host, status in (("demo.example", 200), ("10.0.0.7:80", 200), ("[::1]:5", 200), ("evil.example", 421)):
            assert client.get("/api/models", headers=right | {"host": host}).status_code == status
    serving.stop()
