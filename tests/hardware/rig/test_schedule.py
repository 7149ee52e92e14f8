"""Faults by their words: the same for the rig, the emulated workcell, and whoever reads what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.cli.rig import kinds
from ibc_gym.errors import ConfigError, UnknownName
from ibc_gym.hardware.rig.cameras.faults import FAULTS, CameraFault
from ibc_gym.hardware.rig.faults import CODES, KINDS, LASTING, Fault
from ibc_gym.hardware.rig.schedule import CAMERA_KINDS, FOREVER, known, parse, schedule
from ibc_gym.rig import RigConfig

times = st.integers(0, 10_000).map(lambda milliseconds: milliseconds / 1000)


@pytest.mark.parametrize(
    "word, fault",
    [
        ("collision@3.0s", Fault(kind="collision", at=3.0)),
        ("freeze@2+6", Fault(kind="freeze", at=2.0, duration=6.0)),
        ("error=27@4s", Fault(kind="error", at=4.0, code=27)),
        ("delay=2s@1s+5s", Fault(kind="delay", at=1.0, duration=5.0, late=2.0)),
        ("emergency-stop", Fault(kind="emergency-stop")),
        ("camera-unplug@5s+inf", CameraFault(kind="unplug", at=5.0, duration=FOREVER)),
        ("camera-drop+0.05s", CameraFault(kind="drop", at=0.0, duration=0.05)),
        ("camera-late", CameraFault(kind="late", at=0.0, duration=1.0)),
    ],
)
def test_words_are_read(word: str, fault: Fault | CameraFault) -> None:
    assert parse(word) == fault


@given(kind=st.sampled_from(sorted(known())), at=times, lasts=times)
def test_every_fault_has_words(kind: str, at: float, lasts: float) -> None:
    read = parse(f"{kind}@{at}s+{lasts + 0.001}s")
    assert (read.kind, read.at) == (kind.removeprefix("camera-"), at)
    assert read.duration == pytest.approx(lasts + 0.001)


def test_every_fault_is_known_in_words() -> None:
    assert set(CAMERA_KINDS) == set(FAULTS)
    assert set(CODES) | set(LASTING) | {"close"} == set(KINDS) == set(kinds())


@pytest.mark.parametrize(
    "word, error, told",
    [
        ("colision@3s", UnknownName, "Did you mean 'collision'"),
        ("collision@", ConfigError, "KIND@BEGINS"),
        ("collision @3s", ConfigError, "KIND@BEGINS"),
        ("stall@1..2", ConfigError, "a number that is none"),
        ("error=2.5", ConfigError, "whole numbers"),
        ("error=300", ConfigError, "codes are 1 to 255"),
        (
            "freeze=2",
            ConfigError,
            "'freeze' takes none; how long it lasts comes last: freeze\\+2s.",
        ),
        ("freeze=2@1s+1s", ConfigError, "takes none."),
        ("camera-drop=2", ConfigError, "no fault of a camera"),
        ("camera-drop@1s+0s", ConfigError, "it must last"),
    ],
)
def test_what_is_no_fault_is_refused_in_words(word: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        parse(word)


def test_rig_takes_them_and_refuses_those_of_cameras() -> None:
    config = RigConfig(fault=("collision@3s", "stall"))
    assert [fault.kind for fault in config.faults()] == ["collision", "stall"]
    with pytest.raises(UnknownName, match="stall"):
        RigConfig(fault=("stal",))
    with pytest.raises(ConfigError, match="no camera is emulated"):
        RigConfig(fault=("camera-drop",))


def test_same_seed_draws_the_same_faults_beside_those_that_are_said() -> None:
    drawn = [schedule(["stall"], per_minute=3.0, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0].arm[0] == Fault(kind="stall")
    number = len(drawn[0].arm) + len(drawn[0].cameras)
    assert 120 < number < 240, "180 in an hour"
    assert drawn[0].cameras and not schedule([], per_minute=3.0, seed=1, cameras=False).cameras
    with pytest.raises(ConfigError, match="per minute"):
        schedule([], per_minute=-1.0)
    with pytest.raises(ConfigError, match=r"seed .* is -1"):
        schedule([], per_minute=1.0, seed=-1)
