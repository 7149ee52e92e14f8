"""`ibc-gym cameras`: the RealSense cameras that are attached, and what each of them sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tyro
from rich.text import Text

from ibc_gym.cli.flags import Common, parse
from ibc_gym.console import Terminal, table
from ibc_gym.loading import load

CAMERAS: Final[Mapping[str, str]] = {
    "look": "ibc_gym.hardware.cameras.showing:look",
    "usb": "ibc_gym.hardware.cameras.showing:usb",
    "emulated": "ibc_gym.hardware.rig.cameras.bench:emulated",
}


@dataclass(frozen=True, kw_only=True)
class CamerasArgs(Common):
    """What `ibc-gym cameras` takes."""

    out: Path = Path("cameras")
    """Folder for the pictures."""
    serial: str | None = None
    """Only the camera with this serial number."""
    width: int = 640
    """Of the picture [px]."""
    height: int = 360
    """Of the picture [px]."""
    fps: int = 30
    """Frame rate to ask for [Hz]."""
    depth: bool = True
    """Show depth too."""
    emulated: tyro.conf.FlagCreatePairsOff[bool] = False
    """Two cameras of software instead of those on USB, to try the driver without any."""


def cameras(argv: Sequence[str], terminal: Terminal) -> int:
    """List what is attached and take a picture with each; 1 if there is none, or one gives no picture."""
    args = parse(
        CamerasArgs,
        argv,
        command="ibc-gym cameras",
        description=("RealSense cameras on this machine, and a picture from each.",),
        examples=("", "--emulated", "--serial 012345678901 --width 1280 --height 720"),
    )
    look = load(CAMERAS, "look", "part")
    source = "emulated" if args.emulated else "usb"
    with ExitStack() as stack:
        bus = load(CAMERAS, source, "source")()
        if args.emulated:
            stack.callback(bus.close)
        terminal.writes("a picture from every camera that is attached", args.out)
        views = look(
            bus,
            args.out,
            width=args.width,
            height=args.height,
            fps=args.fps,
            depth=args.depth,
            serial=args.serial,
        )
    if not views:
        terminal.say(
            "No RealSense camera is attached. Check cable and power; --emulated tries the driver without one."
        )
    _print(terminal, views)
    return int(not views or any(view.problem for view in views))


def _print(terminal: Terminal, views: Sequence[Any]) -> None:
    devices = [
        (view.device.serial, view.device.name, _usb(view.device), view.device.firmware)
        for view in views
    ]
    tables = []
    if views:
        columns = ("serial", "camera", "USB", "firmware")
        tables = [table("Attached", columns, devices, fold=1), table("Seen", *_seen(views))]
    terminal.result({"cameras": [_answer(view) for view in views]}, *tables)


def _seen(views: Sequence[Any]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    rows: list[tuple[object, ...]] = []
    for view in views:
        if view.problem:
            rows.append((view.device.serial, "", "", Text(view.problem, style="yellow")))
        else:
            latency = f"{view.latency * 1000:.0f} ms"
            seen = "" if view.seen is None else f"{view.seen:.0%}"
            rows.append((view.device.serial, latency, seen, "\n".join(map(str, view.pictures))))
    return ("serial", "latency", "depth", "picture"), rows


def _usb(device: Any) -> Text:
    return Text(device.usb, style="yellow" if device.is_slow else "")


def _answer(view: Any) -> dict[str, Any]:
    return {
        "serial": view.device.serial,
        "name": view.device.name,
        "firmware": view.device.firmware,
        "usb": view.device.usb,
        "modes": list(view.device.modes),
        "pictures": [str(path) for path in view.pictures],
        "latency": view.latency,
        "depth_seen": view.seen,
        "problem": view.problem,
    }
