"""Memory that is taken and freed again and again is not fetched from the system each time."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from ibc_gym.heap import give_back_freed_memory, keep_freed_memory

_TAKEN_AND_FREED = """
import resource, sys
import numpy as np
from ibc_gym.heap import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def step():
    return [np.full(int(sys.argv[2]), 1.0) for _ in range(4)]
step(), step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def alone(program: str, *words: str) -> int:
    """What a program prints in a process of its own, whose C library nobody has told anything."""
    run = [sys.executable, "-c", program, *words]
    told = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    return int(subprocess.run(run, check=True, capture_output=True, text=True, env=told).stdout)


def fetched(how: str, numbers: int) -> int:
    """Pages that had to be fetched for arrays of so many numbers."""
    return alone(_TAKEN_AND_FREED, how, str(numbers))


@pytest.mark.parametrize("numbers", [2**18, 3 * 2**21])
def test_freed_memory_is_kept_where_the_c_library_can_be_told(numbers: int) -> None:
    """Of 2 MiB, and of 48 MiB, which is more than any threshold of glibc."""
    if platform.libc_ver()[0] == "glibc":
        assert fetched("left", numbers) > 20 * fetched("kept", numbers) + 1_000
    else:
        assert not keep_freed_memory()


_TRAINED = """
import torch
from pathlib import Path
from ibc_gym.training.machine import threads
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
with threads(1):
    large = torch.ones(2**26)
    above = torch.ones(2**14)
    del large
    kept = resident()
print(kept - resident())
"""


def test_a_training_keeps_freed_memory_and_gives_it_back_at_its_end() -> None:
    """256 MiB that lie below something still in use."""
    if platform.libc_ver()[0] == "glibc":
        assert alone(_TRAINED) > 200 * 2**20
    else:
        give_back_freed_memory()
