"""`ibc-gym record`: demonstrations into a Zarr folder, scripted or by a person."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from typing import Any, Final

from ibc_gym.braking import has_brake
from ibc_gym.cli.flags import (
    REQUIRED,
    UsageError,
    config_of,
    flag,
    flags_of,
    parse,
    take_task_options,
    word,
)
from ibc_gym.console import Terminal, table
from ibc_gym.errors import UnknownName
from ibc_gym.person_stage import RecordByPersonConfig
from ibc_gym.record import RecordConfig, RecordSummary
from ibc_gym.record import record as run_recording
from ibc_gym.record_by_person import PersonSummary, Surroundings, record_by_person
from ibc_gym.tables import RAW_STREAMS, TELEOPERATION
from ibc_gym.words import count

DESCRIPTION = (
    "Record demonstrations; a data set that is there is gone on with.",
    "By a script, or by you: --by keyboard, spacemouse or gamepad.",
    "An option of the task, a field of its config, is set by --task.OPTION VALUE.",
)
EXAMPLES = (
    "push --episodes 200 --out demos.zarr",
    "push --observation image --episodes 50 --out pictures.zarr",
    "particle --task.dimensions 8 --episodes 1000 --out p8.zarr",
    "insert --by keyboard --view 8000 --out mine.zarr",
    "insert --by gamepad --workcell xarm --observation image --raw",
    "insert --by spacemouse --policy runs/insert --out better.zarr",
)
KEYS = (
    "  W A S D or I J K L  move; Q E Z C or U O M . diagonally; space stands still",
    "  up, down            faster, slower",
    "  right               end the episode and keep it",
    "  left                drop it and do it again",
    "  Y, N                end it as a success, as a failure (where nothing measures)",
    "  backspace           drop it and go on",
    "  T                   take over from a policy, give back",
    "  Esc                 keep the episode and stop; Ctrl-C drops it and stops",
)
"""What a person needs to know, in lines of at most 80 characters."""

ORACLE: Final = "oracle"
SCRIPTED_ONLY: Final = ("noise", "random_actions", "workers", "num_envs", "share")
PERSON_ONLY: Final = ("policy", "speed", "frame", "pace", "view")

_PERSON: Final = RecordByPersonConfig()

RecordFlags = flags_of(
    RecordConfig,
    {
        "by": (
            flag(str, f"Who demonstrates: {ORACLE}, {', '.join(TELEOPERATION)}.", metavar="WHO"),
            ORACLE,
        ),
        "policy": (
            flag(
                str | None,
                'A run, or "oracle", that acts until you take over; only with --by a device.',
                metavar="RUN",
                default="you act alone",
            ),
            _PERSON.policy,
        ),
        "speed": (flag(float, "Greatest speed of your hand [m/s]."), _PERSON.speed),
        "frame": (
            flag(
                str,
                "Which way is away from you: base (as the arm reaches), facing (towards the arm) or camera (up in "
                "the picture).",
            ),
            _PERSON.frame,
        ),
        "pace": (flag(float, "How fast simulated time passes; 1 is real time."), _PERSON.pace),
        "view": (
            flag(
                int | None,
                "A port on 127.0.0.1 for a page with the live picture; 0 takes any that is free.",
                metavar="PORT",
                default="no page",
            ),
            _PERSON.view,
        ),
        "raw": (
            flag(
                bool,
                "Keep the cameras' raw streams, too, beside the data set (demos.raw for demos.zarr), as their library records "
                f"them: some 10 MB a second and camera. For {' and '.join(RAW_STREAMS)}, with pictures (--observation image).",
            ),
            False,
        ),
        "task": (word(str, "A task: `ibc-gym list` names them.", "TASK"), REQUIRED),
        "options": (flag(Any, "", hidden=True), {}),
    },
)


def record(argv: Sequence[str], terminal: Terminal) -> None:
    """Record, and say how many succeeded."""
    options, argv = take_task_options(argv)
    flags = parse(
        RecordFlags, argv, command="ibc-gym record", description=DESCRIPTION, examples=EXAMPLES
    )
    if flags.by != ORACLE and flags.by not in TELEOPERATION:
        raise UsageError(str(UnknownName("one to record by", flags.by, (ORACLE, *TELEOPERATION))))
    _refuse_of_others(flags)
    terminal.kept = f"Episodes committed so far are in {flags.out}; the same command goes on."
    if flags.by == ORACLE:
        config = config_of(RecordConfig, flags, options=options)
        summary = _by_oracle(config, terminal)
    else:
        summary = _by_person(config_of(RecordByPersonConfig, flags, options=options), terminal)
    rows = [
        ("episodes written", summary.written),
        ("were there before", summary.present),
        ("other episodes there", summary.others),
        ("succeeded", f"{summary.successes} of {summary.done}"),
        ("steps written", summary.steps),
        ("time", f"{summary.seconds:.1f} s"),
    ]
    if isinstance(summary, PersonSummary):
        rows += [("done again", summary.redone), ("dropped", summary.discarded)]
        rows += [("cut off by faults", summary.faults)]
    answer = {**dataclasses.asdict(summary), "task": flags.task}
    terminal.result(
        answer, *([table("Recorded", ("what", "how much"), rows)] if summary.done else [])
    )
    inputs = " --policy.inputs image" if flags.observation == "image" else ""  # there is no state
    terminal.say(f"Train on it with: ibc-gym train {shlex.quote(str(flags.out))}{inputs}")


def _by_oracle(config: RecordConfig, terminal: Terminal) -> RecordSummary:
    with terminal.progress("Demonstrations") as (bar,):
        return run_recording(
            config,
            lambda now: bar(
                (now.present + now.done) / now.wanted,
                f"{now.present + now.done} of {now.wanted}, {now.successes} succeeded, "
                f"{now.done / max(now.seconds, 1e-9):.1f}/s",
            ),
            lambda found: _announce(config, found, terminal),
        )


def _by_person(config: RecordByPersonConfig, terminal: Terminal) -> PersonSummary:
    line = _StatusLine(shown=terminal.console.is_terminal)

    def begin(found: PersonSummary) -> None:
        _announce(config, found, terminal)
        if found.present < found.wanted:
            for keys in KEYS:
                terminal.say(keys)
            if has_brake(config.workcell):
                terminal.say("  Esc also stops the arm at once, whatever a policy is busy with.")

    def say(sentence: str) -> None:
        line.clear()
        terminal.say(sentence)

    try:
        return record_by_person(config, Surroundings(on_begin=begin, say=say, status=line.show))
    finally:
        line.clear()


class _StatusLine:
    """One line that is written over and over, at most 79 characters wide; nothing in a pipe."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown

    def show(self, words: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{words[:79]}")
            sys.stderr.flush()

    def clear(self) -> None:
        self.show("")


def _refuse_of_others(flags: Any) -> None:
    """Flags of one way of recording mean nothing to the other; they are not passed over in silence."""
    by_person = flags.by != ORACLE
    usual: Any = RecordConfig() if by_person else _PERSON
    for name in SCRIPTED_ONLY if by_person else PERSON_ONLY:
        if getattr(flags, name) != getattr(usual, name):
            said = f"--{name.replace('_', '-')}"
            who = f"--by {ORACLE}" if by_person else f"--by {', '.join(TELEOPERATION)}"
            raise UsageError(f"{said} is for {who}, not for --by {flags.by}.")


def _announce(
    config: RecordConfig | RecordByPersonConfig, found: RecordSummary, terminal: Terminal
) -> None:
    """What will be written, and beside what."""
    missing = config.episodes - found.present
    seeds = f"seeds {config.seed} to {config.seed + config.episodes - 1}"
    if missing:
        terminal.writes(count(missing, "demonstration"), f"{config.out}/")
        if found.present:
            terminal.say(f"The other {found.present} of {seeds} are there already.")
    else:
        terminal.say(f"Nothing is left to do: all of {seeds} are in {config.out} already.")
    if found.others:
        terminal.say(
            f"{config.out} also holds {count(found.others, 'other episode')}, which stay: of other seeds, or made otherwise."
        )
