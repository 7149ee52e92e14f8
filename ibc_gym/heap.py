"""Freed memory stays with the process, where giving it back to the system costs as much as the work that it was for."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

KEPT: Final = 256 * 2**20
"""Freed memory at the top of the heap that is kept at most [bytes]; there is little elsewhere, as a rule."""
_TRIM_THRESHOLD = -1  # M_TRIM_THRESHOLD of glibc's malloc.h
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD
_LARGEST = 32 * 2**20  # no greater threshold is taken by glibc


def keep_freed_memory() -> bool:
    """Have the C library keep what is freed; whether it could be told, which glibc can, and no other.

    A search for an action takes and frees the same few megabytes at every step. Left to itself glibc gives them back each
    time, and the system hands them out again page by page, all zeros: 64 robots that act by Langevin dynamics take 1.8
    times as long in bfloat16, and 1.1 times in float32 (`benchmarks/freed_memory.py`). It is for the whole process, and
    cannot be taken back.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, KEPT)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
