"""Fixtures that several files of tests share."""

from __future__ import annotations

import os
import pty
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from hall import Hall
from hands import ScriptedHand
from hypothesis import settings
from trials import PROFILE, trials

from ibc_gym import tables
from ibc_gym.data.metadata import describe
from ibc_gym.data.recorder import Recorder
from ibc_gym.registry import make_oracle, make_vec_env
from ibc_gym.rollout import rollout
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.trainer import train

# No test depends on the clock. Continuous integration draws the same examples at every run, so that it judges the
# change and not the draw; everywhere else new ones are looked for, and HYPOTHESIS_PROFILE=thorough looks longer.
settings.register_profile("default", deadline=None, max_examples=trials(25))
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("default"))
settings.load_profile(PROFILE)

# What a shell runs in the background inherits that Ctrl-C is ignored, and hands that on to its children. Some tests
# press it, here and in processes of their own.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests read the vendor's tables, too, and two workers that import its client for the first time both make this folder.
Path("~/.UFACTORY/log/xarm/sdk").expanduser().mkdir(parents=True, exist_ok=True)

DEVICES = frozenset({"shared_bench", "shared_rig", "bus"})
"""Fixtures that stand in for a controller or a camera: whoever talks to one waits for it in real time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out of the quick part what waits for a device."""
    for item in items:
        if DEVICES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], int]]:
    """Types into the terminal that this process has for the length of a test."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    stdin: IO[str] = os.fdopen(theirs, "r")
    monkeypatch.setattr(sys, "stdin", stdin)
    yield lambda typed: os.write(ours, typed)
    assert termios.tcgetattr(theirs) == before, "it is as it was"
    stdin.close()
    os.close(ours)


@pytest.fixture
def toy_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry with a small policy in it; checkpoints do not wait for the disk, since no power is cut here."""
    monkeypatch.setitem(tables.POLICIES, "toy", "toys:Toy")
    monkeypatch.setattr("ibc_gym.atomic._flush", lambda path: None)


@pytest.fixture(scope="session")
def particle_demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve demonstrations of the two-dimensional particle."""
    path = tmp_path_factory.mktemp("data") / "particle.zarr"
    envs = make_vec_env("particle", 4, autoreset_mode="disabled")
    metadata = describe(envs, task="particle", demonstrator="oracle")
    with Recorder(path, metadata, commit_every=12) as recorder:
        rollout(envs, make_oracle("particle", envs), range(12), [recorder])
    return path


@pytest.fixture(scope="session")
def particle_run(tmp_path_factory: pytest.TempPathFactory, particle_demos: Path) -> Path:
    """A run of an implicit policy trained for a moment: it acts, but does not succeed. Do not write into it."""
    out = tmp_path_factory.mktemp("runs") / "tiny-ebm"
    train(
        TrainConfig(
            data=particle_demos,
            out=out,
            steps=30,
            batch_size=64,
            validate_every=10,
            log_every=5,
            validation_windows=32,
            tensorboard=False,
            threads=1,
        )
    )
    return out


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hall:
    """Where a scripted hand records into a folder of its own."""
    monkeypatch.setitem(tables.TELEOPERATION, "script", "hands:ScriptedHand")
    monkeypatch.setattr(ScriptedHand, "made", [])
    return Hall(tmp_path / "mine.zarr")
