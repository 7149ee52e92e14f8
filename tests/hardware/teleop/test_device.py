from __future__ import annotations

import pytest

from ibc_gym.errors import MissingDependency
from ibc_gym.hardware.teleop import device
from ibc_gym.loading import load
from ibc_gym.tables import TELEOPERATION


@pytest.mark.parametrize("name", TELEOPERATION)
def test_every_row_is_a_device(name: str) -> None:
    try:
        made = load(TELEOPERATION, name, "device")
    except MissingDependency as missing:
        pytest.skip(str(missing))
    assert {"read", "close"} <= set(dir(made))


def test_no_wish_has_two_names() -> None:
    assert len(set(device.ASKS)) == len(device.ASKS)
    assert not device.AT_REST.any() and not device.AT_REST.flags.writeable
