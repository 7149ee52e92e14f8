"""The gamepad is a virtual one of SDL's, so pygame and SDL do here what they do with one of plastic."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.teleop import device
from ibc_gym.hardware.teleop.device import DeviceLost

pygame = pytest.importorskip("pygame")

from ibc_gym.hardware.teleop.gamepad import Gamepad  # noqa: E402

AXES, BUTTONS = 6, 15
LEFTX, LEFTY = 0, 1


class VirtualPad:
    def __init__(self) -> None:
        self._sdl = ctypes.CDLL(sdl_of_pygame())
        self._sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self._sdl.SDL_JoystickSetVirtualAxis.argtypes = [
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_int16,
        ]
        self._sdl.SDL_JoystickSetVirtualButton.argtypes = [
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_uint8,
        ]
        game_controller = 1
        self.index = self._sdl.SDL_JoystickAttachVirtual(game_controller, AXES, BUTTONS, 0)
        assert self.index >= 0
        self._pad = self._sdl.SDL_JoystickOpen(self.index)
        self.attached = True

    def stick(self, right: float, down: float) -> None:
        for axis, share in ((LEFTX, right), (LEFTY, down)):
            self._sdl.SDL_JoystickSetVirtualAxis(self._pad, axis, round(32767 * share))

    def button(self, number: int, down: bool) -> None:
        assert self._sdl.SDL_JoystickSetVirtualButton(self._pad, number, int(down)) == 0

    def unplug(self) -> None:
        if self.attached:
            self._sdl.SDL_JoystickDetachVirtual(self.index)
            self.attached = False


def sdl_of_pygame() -> str:
    """The very library that pygame has loaded."""
    loaded = Path("/proc/self/maps").read_text().splitlines()
    return next(line.split()[-1] for line in loaded if "libSDL2-2" in line)


@pytest.fixture
def pad() -> Iterator[VirtualPad]:
    pygame.joystick.init()
    made = VirtualPad()
    yield made
    made.unplug()


@pytest.fixture
def gamepad(pad: VirtualPad) -> Iterator[Gamepad]:
    with Gamepad() as made:
        yield made


def test_left_stick_moves_right_and_away(pad: VirtualPad, gamepad: Gamepad) -> None:
    pad.stick(right=0.5, down=-1.0)
    right, away = gamepad.read().move.tolist()
    assert right == pytest.approx(0.5, abs=1e-4)
    assert away == pytest.approx(1.0, abs=1e-4)
    pad.stick(right=0.0, down=0.0)
    assert gamepad.read().move.tolist() == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize(
    "shoulder", [pygame.CONTROLLER_BUTTON_LEFTSHOULDER, pygame.CONTROLLER_BUTTON_RIGHTSHOULDER]
)
def test_either_shoulder_button_is_the_dead_man_switch(
    pad: VirtualPad, gamepad: Gamepad, shoulder: int
) -> None:
    assert not gamepad.read().held
    pad.button(shoulder, True)
    assert gamepad.read().held
    pad.button(shoulder, False)
    assert not gamepad.read().held


def test_button_asks_once_for_every_press(pad: VirtualPad, gamepad: Gamepad) -> None:
    pad.button(pygame.CONTROLLER_BUTTON_DPAD_RIGHT, True)
    assert gamepad.read().asked == (device.NEXT,)
    assert gamepad.read().asked == ()
    pad.button(pygame.CONTROLLER_BUTTON_DPAD_RIGHT, False)
    pad.button(pygame.CONTROLLER_BUTTON_Y, True)
    assert gamepad.read().asked == (device.TAKE,)


def test_one_that_is_unplugged_is_missed_at_once(pad: VirtualPad, gamepad: Gamepad) -> None:
    gamepad.read()
    pad.unplug()
    with pytest.raises(DeviceLost, match="unplugged"):
        gamepad.read()


def test_without_one_it_says_so() -> None:
    with pytest.raises(ConfigError, match="No gamepad was found"):
        Gamepad()


def test_closing_twice_is_once(gamepad: Gamepad) -> None:
    gamepad.close()
    gamepad.close()
