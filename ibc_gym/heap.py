"""Freed memory stays with the process, where giving it back to the system costs as much as the work that it was for."""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Final

KEPT: Final = 2**30
"""Freed memory at the top of the heap that is kept at most [bytes]; what was freed below something still in use is kept whatever its
size, until `give_back_freed_memory`."""
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
    mallopt = _of_the_c_library("mallopt")
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, KEPT) and mallopt(_MMAP_MAX, 0))


def give_back_freed_memory() -> None:
    """Have the C library give the system what is freed by now, wherever it lies; where it cannot be told, nothing."""
    if (trim := _of_the_c_library("malloc_trim")) is not None:
        trim(ctypes.c_size_t(0))


def _of_the_c_library(name: str) -> Any:
    """A function of glibc; None in other C libraries."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
