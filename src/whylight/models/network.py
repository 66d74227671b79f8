"""No network: known within two seconds, instead of after half a minute of the hub library's own attempts."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

SECONDS = 2.0
"""How long a hub that is there may take to answer."""


@contextmanager
def local_where_unreachable() -> Iterator[None]:
    """While a library loads something by name: where the hub cannot be reached, only this machine is looked through."""
    hub = _hub()
    if hub is None or hub.HF_HUB_OFFLINE or reachable(hub.ENDPOINT):
        yield
        return
    # transformers 4 keeps a copy of the switch.
    copy: Any = sys.modules.get("transformers.utils.hub")
    copied = getattr(copy, "_is_offline_mode", None)
    timeout, level = socket.getdefaulttimeout(), logging.root.manager.disable
    hub.HF_HUB_OFFLINE = True
    socket.setdefaulttimeout(SECONDS)
    logging.disable(logging.ERROR)  # the exception says the same
    if copied is not None:
        copy._is_offline_mode = True
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = False
        socket.setdefaulttimeout(timeout)
        logging.disable(level)
        if copied is not None:
            copy._is_offline_mode = copied


def reachable(url: str, seconds: float = SECONDS) -> bool:
    """Whether something listens there, or at the proxy that leads there; names are looked up in the same time."""
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    parts = urlsplit(proxy if proxy and "//" in proxy else f"//{proxy}") if proxy else parts
    port = parts.port or (80 if parts.scheme == "http" else 443)
    answered = threading.Event()

    def call() -> None:
        try:
            socket.create_connection((parts.hostname, port), timeout=seconds).close()
            answered.set()
        except OSError:
            pass
        finally:
            over.set()

    over = threading.Event()
    threading.Thread(target=call, daemon=True).start()
    over.wait(seconds)
    return answered.is_set()


def _hub() -> Any:
    try:
        from huggingface_hub import constants
    except ImportError:
        return None
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return None
    return constants
