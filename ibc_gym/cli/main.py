"""The command line: finds the command that is meant, and says in a sentence what went wrong."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Final

from ibc_gym.cli.flags import UsageError
from ibc_gym.cli.typed import as_typed, groups_of_command
from ibc_gym.console import Terminal
from ibc_gym.errors import IbcGymError, MissingDependency, Stopped, UnknownName

Command = Callable[[Sequence[str], Terminal], int | None]
"""Takes the words after the command; gives an exit code other than 0 if it found something wrong."""

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("ibc_gym.cli.demo:demo", "The whole loop in a few minutes, into runs/demo."),
    "record": ("ibc_gym.cli.record:record", "Record demonstrations into a Zarr folder."),
    "train": ("ibc_gym.cli.train:train", "Train a policy on recorded demonstrations."),
    "eval": ("ibc_gym.cli.eval:evaluate", "Count how often a trained policy succeeds."),
    "export": ("ibc_gym.cli.export:export", "A trained policy for a computer without a trainer."),
    "replay": ("ibc_gym.cli.replay:replay", "Run stored episodes again; say how far they part."),
    "compare-sims": (
        "ibc_gym.cli.compare_sims:compare_sims",
        "Where two simulators part, given the same commands.",
    ),
    "rehearse": (
        "ibc_gym.cli.rehearse:rehearse",
        "The same task in simulation and through the vendor's client.",
    ),
    "rig": ("ibc_gym.cli.rig:rig", "An emulated xArm6, driven by the vendor's own client."),
    "calibrate": (
        "ibc_gym.cli.calibrate:calibrate_",
        "Measure lens, camera and tool; print the board for it.",
    ),
    "report": ("ibc_gym.cli.report:report", "One HTML page about one or more runs."),
    "data info": ("ibc_gym.cli.data:info", "What is in a Zarr folder of demonstrations."),
    "data import": ("ibc_gym.cli.data:import_", "Bring human demonstrations (.npz) into Zarr."),
    "data verify": ("ibc_gym.cli.data:verify", "Check every episode against its checksums."),
    "cameras": ("ibc_gym.cli.cameras:cameras", "RealSense cameras attached, and what they see."),
    "list": ("ibc_gym.cli.list:list_", "Tasks, workcells, policies, oracles, presets."),
    "doctor": ("ibc_gym.cli.doctor:doctor", "What works on this machine, and how to get the rest."),
}
"""Every command, where it lives, and what it is for; loaded when it is called."""

_GROUPS: Final = sorted({name.split()[0] for name in COMMANDS if " " in name})


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code: 0, 1 for an error, 2 for wrong flags, and 130 where it was stopped.

    By Ctrl-C, that is, by a signal that ends a training, or by a key that stops an arm.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    terminal = Terminal(machine="--json" in words)
    try:
        return _dispatch(words, terminal)
    except KeyboardInterrupt as interrupt:
        by = interrupt.args[0] if interrupt.args else "Ctrl-C"
        terminal.failed(f"\nStopped by {by}. {terminal.kept}")
        return 130
    except Stopped as stop:
        terminal.failed(str(stop))
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody listens any more
        return 1
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        terminal.failed(f"ibc-gym: {_sentence(error, words)}")
        return 2 if isinstance(error, UsageError) else 1


def help_page() -> str:
    """What `ibc-gym --help` prints."""
    width = max(len(name) for name in COMMANDS) + 2
    rows = [f"  {name:<{width}}{summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: ibc-gym COMMAND [FLAGS]",
            "",
            "Implicit behavioral cloning, from a demonstration to an evaluated policy.",
            "",
            *rows,
            "",
            "Each command explains its flags: ibc-gym COMMAND --help",
            'Everywhere: --json prints one JSON object instead of tables, {"error": ...} if',
            "there is none; --debug shows the traceback of an error.",
            "New here? Begin with: ibc-gym demo",
        ]
    )


def group_page(group: str) -> str:
    """What `ibc-gym data --help` prints."""
    rows = [
        f"  {command.removeprefix(group).strip():<10}{summary}"
        for command, (_, summary) in COMMANDS.items()
        if command.startswith(f"{group} ")
    ]
    return "\n".join([f"usage: ibc-gym {group} COMMAND [FLAGS]", "", *rows])


def _dispatch(words: list[str], terminal: Terminal) -> int:
    name, rest = _split(words)
    if name in ("-h", "--help", "help"):
        print(help_page())
        return 0
    if name == "--version":
        print(f"ibc-gym {version('ibc-gym')}")
        return 0
    if name in _GROUPS and rest[:1] in (["-h"], ["--help"]):
        print(group_page(name))
        return 0
    if name in ("", *_GROUPS):
        command = f"ibc-gym {name}".strip()
        if terminal.machine:
            raise UsageError(f"No command is named. See: {command} --help")
        print(group_page(name) if name else help_page())
        return 2
    if name not in COMMANDS:
        raise UsageError(str(UnknownName("command", name, COMMANDS)))
    module, attribute = COMMANDS[name][0].split(":")
    run: Command = getattr(import_module(module), attribute)
    code = run(rest, terminal) or 0
    terminal.repeat(f"ibc-gym {shlex.join(words)}")
    return code


def _split(words: list[str]) -> tuple[str, list[str]]:
    """The command's name, of one or two words, and what follows it; `--json` may stand before it."""
    words = sorted(words, key=lambda word: word in ("--json", "--debug"))
    if len(words) > 1 and f"{words[0]} {words[1]}" in COMMANDS:
        return f"{words[0]} {words[1]}", words[2:]
    if len(words) > 1 and words[0] in _GROUPS and not words[1].startswith("-"):
        return f"{words[0]} {words[1]}", words[2:]
    if not words or words[0] in ("--json", "--debug"):
        return "", words
    return words[0], words[1:]


def _sentence(error: Exception, words: list[str]) -> str:
    """What went wrong, without a traceback."""
    if isinstance(error, IbcGymError):
        return _typed(error, words)
    if isinstance(error, ModuleNotFoundError):
        explained = MissingDependency.explaining(error, needed_for="This command")
        if explained is not None:
            return str(explained)
    if _is_out_of_memory(error):
        return (
            f"There is not enough memory ({_first_line(error)}). In training try a smaller --batch-size, "
            "narrower networks or smaller pictures, elsewhere fewer --num-envs or --workers."
        )
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"Unexpected {type(error).__name__}: {error}. Run again with --debug to see where."


def _typed(error: IbcGymError, words: list[str]) -> str:
    """What an error says, with the flags of the command that was called."""
    name, _ = _split(words)
    where = COMMANDS[name][0].partition(":")[0] if name in COMMANDS else ""
    module = sys.modules.get(where)
    return as_typed(str(error), groups_of_command(module) if module else {})


def _is_out_of_memory(error: Exception) -> bool:
    """By NumPy, by Python, or by PyTorch, which says it in words on a CPU."""
    said = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (
            isinstance(error, RuntimeError)
            and ("allocate memory" in said or "not enough memory" in said)
        )
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].strip().rstrip(".")
