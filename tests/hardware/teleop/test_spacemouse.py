"""The vendor's reports as bytes, read by pyspacemouse itself; only the USB cable is missing."""

from __future__ import annotations

import struct
import sys

import pytest
from hands import Clock

from ibc_gym import tables
from ibc_gym.errors import ConfigError, MissingDependency, MissingSystemLibrary
from ibc_gym.hardware.teleop.device import TAKE, DeviceLost
from ibc_gym.loading import load
from ibc_gym.tables import TELEOPERATION


def test_without_its_library_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "ibc_gym.hardware.teleop.spacemouse"
    monkeypatch.delitem(sys.modules, module, raising=False)

    class Hidden:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "pyspacemouse":
                raise ModuleNotFoundError("No module named 'pyspacemouse'", name=name)

    monkeypatch.delitem(sys.modules, "pyspacemouse", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
    with pytest.raises(MissingDependency, match=r"pip install 'ibc-gym\[teleop\]'"):
        load(TELEOPERATION, "spacemouse", "device")
    assert tables.TELEOPERATION["spacemouse"].startswith(module)


pyspacemouse = pytest.importorskip("pyspacemouse")

from easyhid import HIDException  # noqa: E402

from ibc_gym.hardware.teleop import spacemouse  # noqa: E402
from ibc_gym.hardware.teleop.spacemouse import SILENCE, SpaceMouse  # noqa: E402


class Cable:
    """Gives the reports that were sent, as a HID device does that is read without waiting."""

    product_string = manufacturer_string = serial_number = ""
    release_number = 0

    def __init__(self) -> None:
        self.reports: list[bytes] = []
        self.pulled = False
        self.closed = 0

    def open(self) -> None: ...

    def set_nonblocking(self, on: bool) -> None: ...

    def read(self, size: int) -> bytearray:
        if self.pulled:
            raise HIDException("Failed to read from HID device: -1")
        if not self.reports:
            return bytearray()
        return bytearray(self.reports.pop(0).ljust(size, b"\0"))

    def close(self) -> None:
        self.closed += 1

    def push(self, x: int, y: int) -> None:
        """The cap pushed right by x and towards the user by y, in counts."""
        self.reports.append(struct.pack("<Bhhh", 1, x, y, 0))

    def press(self, left: bool, right: bool) -> None:
        self.reports.append(struct.pack("<BBB", 3, left | right << 1, 0))


@pytest.fixture
def cable() -> Cable:
    return Cable()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mouse(cable: Cable, clock: Clock) -> SpaceMouse:
    spec = pyspacemouse.apply_axis_convention(
        pyspacemouse.get_device_specs()["SpaceMouseCompact"],
        pyspacemouse.AxisConvention.HID_Z_UP,
    )
    return SpaceMouse(pyspacemouse.SpaceMouseDevice(info=spec, device=cable), clock=clock)


def test_cap_moves_right_and_away(mouse: SpaceMouse, cable: Cable) -> None:
    cable.push(175, -350)
    assert mouse.read().move.tolist() == pytest.approx([0.5, 1.0])
    cable.push(0, 500)
    assert mouse.read().move.tolist() == pytest.approx([0.0, -1.0])


def test_newest_of_many_reports_counts(mouse: SpaceMouse, cable: Cable) -> None:
    for counts in range(0, 100, 5):
        cable.push(counts, 0)
    assert mouse.read().move[0] == pytest.approx(95 / 350)
    assert not cable.reports


def test_left_button_is_the_dead_man_switch_and_the_right_one_takes_over(
    mouse: SpaceMouse, cable: Cable
) -> None:
    cable.press(left=True, right=False)
    assert mouse.read().held
    cable.press(left=True, right=True)
    assert mouse.read().asked == (TAKE,)
    assert mouse.read().asked == ()
    cable.press(left=False, right=False)
    cable.press(left=False, right=True)
    cable.press(left=False, right=False)
    told = mouse.read()
    assert told.asked == (TAKE,) and not told.held


def test_push_that_is_reported_no_more_is_over(
    mouse: SpaceMouse, cable: Cable, clock: Clock
) -> None:
    cable.push(350, 0)
    assert mouse.read().move.any()
    clock.now += SILENCE / 2
    assert mouse.read().move.any()
    clock.now += SILENCE
    assert not mouse.read().move.any()


def test_cable_that_is_pulled_is_missed(mouse: SpaceMouse, cable: Cable) -> None:
    cable.pulled = True
    with pytest.raises(DeviceLost, match="pulled out"):
        mouse.read()


def test_closing_lets_go_once(mouse: SpaceMouse, cable: Cable) -> None:
    mouse.close()
    mouse.close()
    assert cable.closed == 1


def test_without_one_it_says_what_is_missing() -> None:
    with pytest.raises((ConfigError, MissingSystemLibrary)) as refused:
        spacemouse.SpaceMouse()
    assert "hidapi" in str(refused.value) or "plugged in" in str(refused.value)
