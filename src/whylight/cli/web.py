"""``whylight web``: the page, served."""

from __future__ import annotations

import logging
import socket
import warnings
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whylight.cli.options import Device, Precision
from whylight.errors import BadInput, WhylightWarning, need

if TYPE_CHECKING:
    from whylight.models.view import View

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def web(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="What the page offers; may repeat.", show_default="scenes, scenes-answers"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. 0.0.0.0: reachable from other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    token: Annotated[
        str | None, typer.Option(envvar="WHYLIGHT_TOKEN", help="Let in only who has this token.", show_default=False)
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="A host name under which it is reached; may repeat.", show_default=False)
    ] = None,
    framed_by: Annotated[
        str | None, typer.Option(help="An origin whose pages may show this page inside.", show_default=False)
    ] = None,
    allow_loading: Annotated[
        bool, typer.Option("--allow-loading", help="Let the page load other models by name.")
    ] = False,
    device: Device = None,
    precision: Precision = None,
) -> None:
    """Serve the web app: drop a picture, type, and see at once why."""
    need("uvicorn", "web")
    need("fastapi", "web")
    import uvicorn

    from whylight.web import Limits, app
    from whylight.web.guard import LOOPBACK, Door

    warnings.simplefilter("ignore", WhylightWarning)  # the page shows what they say
    logging.getLogger("whylight.web").setLevel(logging.ERROR)
    open_to_others = host not in _LOOPBACK
    names = {*LOOPBACK, *(each.lower() for each in name or ())} | (
        {socket.gethostname().lower()} if open_to_others else set()
    )
    door = Door(tuple(names), open_to_others, token, framed_by)
    listening = _listen(host, port)
    loaders = {each: _loader(each, device, precision) for each in model or ["scenes", "scenes-answers"]}
    served = app(loaders, door=door, allow_loading=allow_loading)
    config = uvicorn.Config(
        served,
        log_level="warning",
        timeout_graceful_shutdown=round(Limits().seconds),
        server_header=False,
        date_header=False,
        ws="none",
    )
    _announce(host, listening.getsockname()[1], token, open_to_others)
    uvicorn.Server(config).run([listening])


def _loader(name: str, device: str | None, precision: str | None) -> Any:
    def load() -> View:
        from whylight.models.load import load

        return load(name, device=device, precision=precision)

    return load


def _listen(host: str, port: int) -> socket.socket:
    """A socket, so that a port that is taken is one clear line.

    Raises:
        BadInput: the address cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)  # who opens the address at once waits, and is not turned away
    except OSError as error:
        raise BadInput(
            f"cannot listen on {host}:{port}: {error.strerror or error} (--port 0 takes a free one)"
        ) from None
    return listening


def _announce(host: str, port: int, token: str | None, open_to_others: bool) -> None:
    from whylight.cli.printing import print_note

    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    print(f"http://{shown}:{port}/" + (f"#token={token}" if token else ""), flush=True)
    if open_to_others:
        who = "whoever has the token" if token else "everybody"
        print_note(f"{who} who reaches this machine at {host}:{port} can use this server")
