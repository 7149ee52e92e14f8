"""What a training takes of the machine: a device, and threads of its processors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from ibc_gym.errors import ConfigError
from ibc_gym.heap import give_back_freed_memory, keep_freed_memory
from ibc_gym.words import count

THREADS_PER_CPU: Final = 8
"""More than one thread for a processor only costs time, but a result depends on their number in its last bits, and may be
made anew on a smaller machine; thousands of threads end in a crash."""


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU where there is one.

    Raises:
        ConfigError: There is no such device, or it cannot compute.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.ones((), device=device).item()  # "meta" has shapes and no numbers
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0].removesuffix(".")
        if "Expected one of" in reason:  # some thirty kinds, of which none but two are here
            reason = "PyTorch knows none of that name"
        raise ConfigError(f"Device {name!r} cannot be used ({reason}); try 'cpu'.") from error
    return device


def check_threads(wanted: int | None) -> None:
    """See that the machine can serve so many threads.

    Raises:
        ConfigError: They are far more than it has processors.
    """
    cpus = os.cpu_count() or 1
    if wanted is not None and wanted > THREADS_PER_CPU * cpus:
        raise ConfigError(
            f"TrainConfig.threads is {wanted}, but this machine has {count(cpus, 'CPU')}, on which at most "
            f"{THREADS_PER_CPU * cpus} threads are taken; as many threads as CPUs are the fastest as a rule."
        )


@contextmanager
def threads(wanted: int | None) -> Iterator[None]:
    """Let PyTorch use so many CPU threads meanwhile; None leaves it as it is."""
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(wanted or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        give_back_freed_memory()
