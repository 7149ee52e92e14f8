"""Freed memory stays with the process, where giving it back to the system costs as much as the work that it was for."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

KEPT: Final = 2**30
"""Freed memory at the top of the heap that is kept at most [bytes]. What was freed below something still in use is kept whatever
its size, to be had again by the process alone."""
_TRIM_THRESHOLD = -1  # M_TRIM_THRESHOLD of glibc's malloc.h
_MMAP_MAX = -4  # M_MMAP_MAX: how many blocks may come from the system by themselves


def keep_freed_memory() -> bool:
    """Have the C library keep what is freed; whether it could be told, which glibc can, and no other.

    A search for an action takes and frees the same few megabytes at every step, and so does training. Left to itself glibc
    gives them back each time, and the system hands them out again page by page, all zeros (`benchmarks/freed_memory.py`
    has what that costs). Blocks of more than 32 MiB it takes from the system one by one, whatever threshold it is told; so
    it is told to have none of that kind. It is for the whole process, and cannot be taken back; its price is that a block which
    grows (`realloc`) is copied, and is there twice meanwhile.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, KEPT)) and bool(mallopt(_MMAP_MAX, 0))
