"""`ibc-gym demo`: the main job, with live progress and a table at the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ibc_gym.cli.eval import evaluation_table
from ibc_gym.cli.flags import config_of, flags_of, parse
from ibc_gym.console import Terminal
from ibc_gym.demo import (
    PAGE,
    PARTS,
    POLICIES,
    DemoConfig,
    reason_not_to_film,
    trainings,
)
from ibc_gym.demo import demo as run_demo
from ibc_gym.demo_folder import MARKER, leftovers
from ibc_gym.paths import writable_folder

DESCRIPTION = (
    "The whole loop on one task, in a few minutes: push a block to a target.",
    "Demonstrations, an implicit policy and a baseline, their scores, a report.",
)
EXAMPLES = ("", "--demonstrations 50 --episodes 20 --out runs/small")

DemoFlags = flags_of(DemoConfig, {})


def demo(argv: Sequence[str], terminal: Terminal) -> None:
    """Run it, and say what was found and where to look."""
    flags = parse(
        DemoFlags, argv, command="ibc-gym demo", description=DESCRIPTION, examples=EXAMPLES
    )
    config = config_of(DemoConfig, flags)
    trainings(
        config
    )  # tells wrong settings before anything is announced, and the next line a wrong folder
    earlier = leftovers(config.out, PARTS)
    writable_folder(config.out)
    parts = (f"{name}/" if name in POLICIES else name for name in PARTS)
    terminal.writes(", ".join((*parts, MARKER)), f"{config.out}/")
    if earlier:
        terminal.say("An earlier demo is there; it is replaced.")
    if config.films and (reason := reason_not_to_film()):
        terminal.say(f"The report goes without films. {reason}")
        config = dataclasses.replace(config, films=0)
    terminal.kept = f"What is finished lies in {config.out}; the next demo replaces it."
    result = run_demo(config, terminal.progress)
    evaluations = [result.evaluations[name].summary for name in POLICIES]
    terminal.result(result.summary, evaluation_table(evaluations))
    terminal.say(f"Took {result.summary['wall_seconds']:.0f} s. Look at {config.out / PAGE}")
