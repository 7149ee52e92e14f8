"""One writer at a time: keeps other processes out of a folder for as long as this one writes there."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ibc_gym.errors import ConfigError
from ibc_gym.paths import writable_folder

_log = logging.getLogger(__name__)


@contextmanager
def only_writer(folder: Path, doing: str) -> Iterator[None]:
    """Keep other processes that do the same out of a folder; the kernel lets them in when this one ends, however.

    Args:
        folder: Made if it is not there.
        doing: What is done in it, one word: "recording".

    Raises:
        ConfigError: The folder cannot be written, or another process has it.
    """
    file = writable_folder(folder) / f".{doing}.lock"
    handle = _locked(file, doing)
    try:
        yield
    finally:
        # While it is still ours: whoever opened it meanwhile looks again.
        file.unlink(missing_ok=True)
        os.close(handle)


def _locked(file: Path, doing: str) -> int:
    """A handle of the lock file, locked, with this process's number in it."""
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode().strip() or "unknown"
            os.close(handle)
            raise ConfigError(
                f"Another process (number {holder}) is {doing} in {file.parent} right now. "
                "Wait until it has ended, or choose another --out."
            ) from None
        except OSError as error:
            _log.warning(
                "%s cannot be locked (%s): see to it that nobody else writes there.", file, error
            )
        if file.exists() and os.path.samestat(file.stat(), os.fstat(handle)):
            os.truncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            return handle
        # The file was removed by its last holder between the opening and the locking.
        os.close(handle)
