"""Which process of this machine (or of this network drive) does which shard: locks that end with their process."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = ".locks"


class ShardLocks:
    """A byte of one file for each shard, locked while its shard is being done.

    The kernel lets go of a lock when its process ends, however it ends. Where there are no such locks (behind a URL, on
    Windows) every shard seems free: two processes may then do a shard twice, and store the same file twice.
    """

    def __init__(self, folder: Path | None) -> None:
        self._file = -1
        if fcntl is not None and folder is not None:
            self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)

    @property
    def shared(self) -> bool:
        """Whether other processes see these locks."""
        return self._file >= 0

    def take(self, shard: int) -> bool:
        """Whether the shard is now this process's."""
        if self._file < 0:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, shard)
        except OSError:
            return False
        return True

    def all_free(self) -> bool:
        """Whether no other process is doing any shard."""
        if self._file < 0:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        fcntl.lockf(self._file, fcntl.LOCK_UN)
        return True

    def release(self, shard: int) -> None:
        if self._file >= 0:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, shard)

    def __enter__(self) -> ShardLocks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
