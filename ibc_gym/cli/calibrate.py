"""`ibc-gym calibrate`: print the board; measure lens, camera and tool; keep what is good enough."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from math import degrees
from pathlib import Path
from typing import Any, Literal

from ibc_gym.braking import has_brake
from ibc_gym.calibrate import CalibrateConfig, CalibrationSummary, board_of, calibrate
from ibc_gym.cli.flags import (
    REQUIRED,
    config_of,
    flag,
    flags_of,
    parse,
    take_task_options,
    word,
)
from ibc_gym.console import Terminal, table
from ibc_gym.registry import make_calibration

DESCRIPTION = (
    "Print the board; measure the lens, where the camera stands, the tool's tip.",
    "The arm moves slowly, with the board on its flange; for the tool your hand leads",
    "it. Nothing is written if an error is over its bound. docs/calibration.md goes",
    "through it step by step.",
    "An option of the calibration's scene is set by --task.OPTION VALUE.",
)
EXAMPLES = (
    "board --out board.pdf",
    "intrinsics --workcell mujoco",
    "camera --workcell mujoco --views 30",
    "tool --workcell xarm --views 12",
    "tool --poses poses.txt --serial XI1304",
)

CalibrateFlags = flags_of(
    CalibrateConfig,
    {
        "what": (
            word(
                Literal["intrinsics", "camera", "tool"],
                "What to measure; for the board see: ibc-gym calibrate board --help",
                "{intrinsics,camera,tool}",
            ),
            REQUIRED,
        ),
        "date": (
            flag(str, "Of the measurement, for the file.", default="today"),
            date.today().isoformat(),
        ),
        "out": (
            flag(Path | None, "File for the result.", default="calibration/WHAT.json"),
            None,
        ),
        "options": (flag(Any, "", hidden=True), {}),
    },
)


def calibrate_(argv: Sequence[str], terminal: Terminal) -> None:
    """Print the board, or measure and say how good it is."""
    options, argv = take_task_options(argv)
    if argv[:1] == ["board"]:
        _print(argv[1:], terminal)
        return
    flags = parse(
        CalibrateFlags,
        argv,
        command="ibc-gym calibrate",
        description=DESCRIPTION,
        examples=EXAMPLES,
    )
    config = config_of(CalibrateConfig, flags, options=options)
    terminal.writes("the result, if its errors are within their bounds,", config.file)
    if has_brake(config.workcell):
        terminal.say("Esc or q stops the arm at once and ends this; nothing is written then.")
    with terminal.progress("Measuring") as (bar,):
        found = calibrate(config, bar)
    terminal.result(dataclasses.asdict(found), _errors(found), _against(found))


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Paper:
    """Which board, and where to."""

    out: Path = Path("board.pdf")
    """A .pdf or .png file."""
    columns: int = CalibrateConfig.columns
    """Squares along its longer edge."""
    rows: int = CalibrateConfig.rows
    """Squares along the other, an odd number."""
    square: float = CalibrateConfig.square
    """Edge of a square [m]."""
    dictionary: str = CalibrateConfig.dictionary
    """Of the markers, by OpenCV's name."""


def _print(argv: Sequence[str], terminal: Terminal) -> None:
    paper = parse(
        flags_of(_Paper, {}),
        argv,
        command="ibc-gym calibrate board",
        description=("The board as a file to print at 100 %.",),
        examples=("--out board.png --square 0.03",),
    )
    terminal.writes("the board", paper.out)
    board = board_of(paper.columns, paper.rows, paper.square, paper.dictionary)
    calibration = make_calibration(board)
    calibration.print(paper.out)
    width, height = (1000 * edge for edge in calibration.outer_size)
    terminal.result(
        {"file": str(paper.out), **board, "outer_size": list(calibration.outer_size)},
        table(
            "The board",
            ("what", "how much"),
            [
                ("squares", f"{paper.columns} x {paper.rows} of {1000 * paper.square:g} mm"),
                ("with its margin", f"{width:g} x {height:g} mm"),
            ],
        ),
    )
    terminal.say("Print at 100 %, glue to something flat, and measure a row of squares.")


def _errors(found: CalibrationSummary) -> Any:
    rows = [
        (*_said(name, value), _said(name, found.bounds[name])[1])
        for name, value in found.errors.items()
        if name in found.bounds
    ]
    made = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.made_from.items())
    return table(f"{found.what.capitalize()}: {made}", ("error", "is", "at most"), rows)


def _against(found: CalibrationSummary) -> Any:
    rows = [_said(name, value) for name, value in found.against.items()]
    return table("Other than what was configured", ("by", ""), rows)


_UNITS: Mapping[str, tuple[float, str]] = {
    "m": (1000.0, "mm"),
    "rad": (degrees(1.0), "deg"),
    "px": (1.0, "px"),
    "percent": (1.0, "%"),
}


def _said(name: str, value: float) -> tuple[str, str]:
    """An error's name in words, and its value in the unit that people use."""
    words, _, unit = name.rpartition("_")
    scale, called = _UNITS[unit]
    return words.replace("_", " "), f"{scale * value:.3f} {called}"
