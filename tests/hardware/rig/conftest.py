"""An emulated controller in a process of its own, and the vendor's client connected to it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from vendor_arms import BENT, Arm, connected, ready

from ibc_gym.hardware.rig.process import Rig, fresh_address, spawn


@pytest.fixture(autouse=True)
def default_timeout() -> Iterator[None]:
    """The vendor's client changes the default timeout of the whole process."""
    before = socket.getdefaulttimeout()
    yield
    socket.setdefaulttimeout(before)


@pytest.fixture(scope="session")
def shared_rig() -> Iterator[Rig]:
    with spawn(fresh_address()) as rig:
        yield rig


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    """A controller as after switching on, its arm bent."""
    shared_rig.release()
    shared_rig.restart()
    shared_rig.place(BENT)
    shared_rig.heard()
    return shared_rig


@pytest.fixture(scope="session")
def hanging_up() -> Iterator[ThreadPoolExecutor]:
    """Where clients hang up, which takes them up to a second, while the next test runs."""
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture
def connect(rig: Rig, hanging_up: ThreadPoolExecutor) -> Iterator[Callable[..., Arm]]:
    """Connects a client, and hangs up in the end."""
    arms: list[Arm] = []

    def make(**options: Any) -> Arm:
        arms.append(connected(rig, **options))
        return arms[-1]

    yield make
    for arm in arms:
        hanging_up.submit(arm.disconnect)


@pytest.fixture
def arm(connect: Callable[..., Arm]) -> Arm:
    """A client whose arm is enabled and ready in mode 0."""
    return ready(connect(), 0)
