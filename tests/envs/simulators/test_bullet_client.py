"""A client that is closed once, and says nothing."""

from __future__ import annotations

import gc
import subprocess
import sys

import pybullet
import pytest

from ibc_gym.envs.simulators.bullet_client import Client
from ibc_gym.errors import ConfigError


def open_clients() -> int:
    return sum(
        bool(pybullet.getConnectionInfo(physicsClientId=number)["isConnected"])
        for number in range(64)
    )


def test_two_clients_have_worlds_of_their_own() -> None:
    one, other = Client(), Client()
    one.createMultiBody(1.0)
    assert (one.getNumBodies(), other.getNumBodies()) == (1, 0)
    one.close()
    other.close()


def test_client_may_be_closed_twice() -> None:
    before = open_clients()
    client = Client()
    assert open_clients() == before + 1
    client.close()
    client.close()
    assert open_clients() == before


def test_client_that_nobody_holds_is_closed() -> None:
    before = open_clients()
    client = Client()
    del client
    gc.collect()
    assert open_clients() == before


def test_no_room_for_another_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pybullet, "connect", lambda mode: -1)
    with pytest.raises(ConfigError, match="close environments"):
        Client()


def test_nothing_is_written_to_the_terminal() -> None:
    code = (
        "import ibc_gym\n"
        "with ibc_gym.make_env('push', workcell='pybullet', render_mode='rgb_array') as env:\n"
        "    env.reset(seed=0)\n"
        "    env.step(env.action_space.sample())\n"
        "    env.render()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (result.stdout, result.stderr) == (b"", b"")
