"""Memory that is taken and freed again and again is not fetched from the system each time."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

from ibc_gym.heap import keep_freed_memory

_TAKEN_AND_FREED = """
import resource, sys
import numpy as np
from ibc_gym.heap import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def step():
    return [np.full(2**18, 1.0) for _ in range(16)]  # 2 MB each
step(), step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def fetched(how: str) -> int:
    """Pages that a process of its own had to fetch."""
    run = [sys.executable, "-c", _TAKEN_AND_FREED, how]
    told = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    return int(subprocess.run(run, check=True, capture_output=True, text=True, env=told).stdout)


def test_freed_memory_is_kept_where_the_c_library_can_be_told() -> None:
    if platform.libc_ver()[0] == "glibc":
        assert fetched("left") > 20 * fetched("kept") + 1_000
    else:
        assert not keep_freed_memory()
