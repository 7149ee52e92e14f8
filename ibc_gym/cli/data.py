"""`ibc-gym data info | import | verify`: what is in a folder of demonstrations, and getting one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from tyro.conf import FlagCreatePairsOff

from ibc_gym.cli.flags import (
    REQUIRED,
    Common,
    config_of,
    flag,
    flags_of,
    parse,
    take_task_options,
    word,
)
from ibc_gym.console import Terminal, table
from ibc_gym.data.damage import Damage, by_segment, left_out
from ibc_gym.data.importer import ImportConfig, import_npz
from ibc_gym.data.info import data_info
from ibc_gym.words import count


@dataclass(frozen=True, kw_only=True)
class DataArgs(Common):
    """What `data verify` takes."""

    data: word(Path, "A folder of demonstrations.", "DATA")  # type: ignore[valid-type]


@dataclass(frozen=True, kw_only=True)
class InfoArgs(DataArgs):
    """What `data info` takes."""

    skip_damaged: FlagCreatePairsOff[bool] = False
    """Read everything first, and leave damaged episodes out of the figures."""


ImportFlags = flags_of(
    ImportConfig,
    {
        "source": (word(Path, "The .npz file; nothing in it is executed.", "FILE"), REQUIRED),
        "out": (
            flag(Path | None, "The data set to make.", metavar="PATH", default="FILE.zarr here"),
            None,
        ),
        "options": (flag(Any, "", hidden=True), {}),
    },
)


def info(argv: Sequence[str], terminal: Terminal) -> None:
    """Say what the data are, how many, and how they went."""
    args = parse(
        InfoArgs,
        argv,
        command="ibc-gym data info",
        description=("What is in a folder of demonstrations. Writes nothing.",),
        examples=("demos.zarr", "demos.zarr --skip-damaged"),
    )
    found = data_info(args.data, verify=args.skip_damaged)
    terminal.result(found, *_tables(found))
    if args.skip_damaged or found["damaged"]:
        terminal.say(left_out([Damage(**damage) for damage in found["damaged"]]))
    if found["damaged"] and not args.skip_damaged:
        terminal.say(f"Which, and what is wrong with them: ibc-gym data verify {args.data}")


def verify(argv: Sequence[str], terminal: Terminal) -> int:
    """Read everything and compare it with its checksums; 1 if something is damaged."""
    args = parse(
        DataArgs,
        argv,
        command="ibc-gym data verify",
        description=("Read every episode and compare it with its checksums. Writes nothing.",),
        examples=("demos.zarr",),
    )
    found = data_info(args.data, verify=True)
    damaged = found["damaged"]
    rows = by_segment(Damage(**each) for each in damaged)
    answer = {
        name: found[name]
        for name in ("path", "episodes", "steps", "seeds", "damaged", "uncommitted")
    }
    tables = (
        [table("Damaged", ("segment", "episodes", "reason (the first episode's)"), rows)]
        if damaged
        else []
    )
    terminal.result(answer, *tables)
    episodes = sum(each["episode"] is not None for each in damaged)
    closed = len(damaged) - episodes
    also = f", and {count(closed, 'segment')} cannot be opened" if closed else ""
    terminal.say(f"{count(found['episodes'], 'episode')} whole, {episodes} damaged{also}.")
    if damaged:
        terminal.say("train, replay and data info leave what is damaged out with --skip-damaged.")
    if again := (found["seeds"] or {}).get("repeated"):
        terminal.say(
            f"{count(again, 'episode')} there twice: made as another one was, with its seed."
        )
    return 1 if damaged else 0


def import_(argv: Sequence[str], terminal: Terminal) -> None:
    """Bring an .npz file of demonstrations into our format."""
    options, argv = take_task_options(argv)
    flags = parse(
        ImportFlags,
        argv,
        command="ibc-gym data import",
        description=(
            "Bring human demonstrations from an .npz file into Zarr.",
            "An option of the environment is set by --task.OPTION VALUE.",
        ),
        examples=(
            "door_human_v0.npz",
            "kitchen.npz --task gym:FrankaKitchen-v1 --task.layout d4rl --out kitchen.zarr",
        ),
    )
    out = flags.out or Path(f"{flags.source.stem}.zarr")
    config = config_of(ImportConfig, flags, out=out, options=options)
    terminal.writes(f"the demonstrations of {config.source}", f"{out}/")
    terminal.kept = f"{out} is written when it is whole."
    summary = import_npz(config)
    rows = [(name, fate) for name, fate in summary.arrays.items()]
    terminal.result(
        dataclasses.asdict(summary),
        table("Arrays", ("in the file", "became"), rows),
    )
    guessed = ", by the file's name" if summary.guessed else ""
    terminal.say(
        f"{count(summary.episodes, 'episode')}, {count(summary.steps, 'step')}, for {summary.task}{guessed}. "
        f"Outside the environment's bounds of an action: {count(summary.actions_outside, 'number')}."
    )
    terminal.say(f"Train on it with: ibc-gym train {out}")


def _tables(found: Mapping[str, Any]) -> list[RenderableType]:
    success = found["success"]
    rows: list[tuple[str, object]] = [
        ("task", found["task"]),
        ("workcell", ", ".join(found["workcells"])),
        ("demonstrator", ", ".join(found["demonstrators"])),
        ("episodes", found["episodes"]),
        ("steps", f"{found['steps']} at {found['rate_hz']:.4g} Hz, {found['seconds']:.0f} s"),
        ("succeeded", f"{success['succeeded']} of {success['known']} that were judged"),
        ("length", _span(found["length"])),
        ("return", _span(found["return"])),
        ("seeds", _seeds(found["seeds"])),
        ("on disk", f"{_size(found['bytes'])} in {count(found['segments'], 'segment')}"),
        ("task's options", json.dumps(found["config"][0]) if found["config"] else "none"),
        ("damaged", len(found["damaged"])),
        ("uncommitted", len(found["uncommitted"])),
        ("fingerprint", found["fingerprint"][:16]),
    ]
    ranges = [
        (
            column.removeprefix("observation."),
            row["name"],
            *(f"{row[name]:.3g}" for name in ("min", "mean", "max", "std")),
        )
        for column, dimensions in found["ranges"].items()
        for row in dimensions
    ]
    columns = ("column", "element", "min", "mean", "max", "std")
    return [
        table(found["path"], ("what", "how much"), rows),
        table("Ranges", columns, ranges, fold=1),
    ]


def _seeds(seeds: Mapping[str, int] | None) -> str:
    if seeds is None:
        return "unknown"
    again = f"; {seeds['repeated']} there twice" if seeds["repeated"] else ""
    return f"{seeds['first']} to {seeds['last']}{again}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _span(numbers: Mapping[str, float] | None) -> str:
    if numbers is None:
        return "unknown"
    return f"{numbers['min']:.4g} to {numbers['max']:.4g}, mean {numbers['mean']:.4g}"
