"""No network: known within two seconds, instead of after half a minute of the hub library's own attempts."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from whylight.errors import BadInput
from whylight.models.failures import NOT_HERE

SECONDS = 2.0
"""How long a hub that is there may take to answer."""
LOCAL = "local-dir:"
_OF_HUB = ("hf:", "timm:hf-hub:", "openclip:hf-hub:")
"""What stands before a repository of the hub, behind which a revision may follow."""
_HOLDS = 20.0
"""Seconds for which an answer holds."""


@contextmanager
def local_where_unreachable() -> Iterator[None]:
    """While a library loads something by name: where the hub cannot be reached, only this machine is looked through."""
    hub = _hub()
    if hub is None or hub.HF_HUB_OFFLINE or (not _offline(hub) and reachable(hub.ENDPOINT)):
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


def refuse_unreachable(name: str) -> None:
    """Refuse a model of the hub that is not on this machine, where the hub cannot be reached, before any library that
    loads models is imported; of other names only the question to the hub is put, whose answer is wanted later.

    Raises:
        BadInput: it cannot be had.
    """
    hub = _hub() if ":" in name and LOCAL not in name else None
    if hub is None:
        return
    asked = _ask(hub.ENDPOINT)
    identifier = next((name.removeprefix(prefix) for prefix in _OF_HUB if name.startswith(prefix)), None)
    if identifier is None or (name.startswith("hf:") and Path(identifier).is_dir()):
        return
    kept = Path(hub.HF_HUB_CACHE) / f"models--{identifier.partition('@')[0].replace('/', '--')}"
    if not kept.is_dir() and (_offline(hub) or not asked.answered()):
        raise BadInput(f"cannot load {identifier}: {NOT_HERE}")


def reachable(url: str) -> bool:
    """Whether somebody answers there, through a proxy where one is set; names are looked up in the same time."""
    return _ask(url).answered()


class _Call:
    """A request for no more than a head, in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._request = Request(url, method="HEAD")
        self.began = time.monotonic()
        self._there, self._over = False, threading.Event()
        threading.Thread(target=self._try, daemon=True).start()

    def _try(self) -> None:
        # Whose certificate it is does not matter: nothing is sent, and of the answer only that there is one.
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        try:
            urlopen(self._request, timeout=SECONDS, context=anybody).close()
            self._there = True
        except HTTPError:
            self._there = True
        except (OSError, HTTPException, ValueError):
            pass
        finally:
            self._over.set()

    def answered(self) -> bool:
        self._over.wait(max(0.0, self.began + SECONDS - time.monotonic()))
        return self._there


_calls: dict[str, _Call] = {}


def _ask(url: str) -> _Call:
    """What was asked a moment ago, or anew."""
    call = _calls.get(url)
    if call is None or time.monotonic() - call.began > _HOLDS:
        call = _calls[url] = _Call(url)
    return call


def _offline(hub: Any) -> bool:
    """Whether somebody wants no network; the library has read the variable long ago where it was imported before."""
    return bool(hub.HF_HUB_OFFLINE) or os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _hub() -> Any:
    try:
        from huggingface_hub import constants
    except ImportError:
        return None
    return constants
