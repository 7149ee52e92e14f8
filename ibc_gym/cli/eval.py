"""`ibc-gym eval`: how often a trained policy succeeds, on published seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.evaluator import EvalProgress, carry_out, prepare
from ibc_gym.evaluation.results import SCRIPTED, EvalConfig
from ibc_gym.tables import REAL_TIME
from ibc_gym.watching import watched
from ibc_gym.words import count

DESCRIPTION = (
    "Count how often a trained policy succeeds, over episodes with fixed seeds.",
    "An option of the task, a field of its config, is set by --task.OPTION VALUE.",
)

EXAMPLES = (
    "runs/push --episodes 100",
    "runs/push --task.goal-tolerance 0.01",
    "runs/door --env gym:AdroitHandDoor-v1 --horizon 300",
    "oracle --env push --episodes 20",
    "runs/push --films 3 --film-seeds 100003 100007",
    "runs/insert --workcell xarm --view 8000 --episodes 20",
)

EvalFlags = flags_of(
    EvalConfig,
    {
        "policy": (
            word(str, 'A run folder or a checkpoint in it, or "oracle" or "random".', "RUN"),
            REQUIRED,
        ),
        "env": (
            flag(
                str | None,
                'A task, or "gym:ID" for any Gymnasium environment.',
                metavar="TASK",
                default="what RUN was trained for",
            ),
            None,
        ),
        "options": (flag(Any, "", hidden=True), {}),
        "view": (
            flag(
                int | None,
                "A port on 127.0.0.1 for a page with the live picture, and with the wanted one over it where you arrange the "
                f"table; 0 takes any that is free. For {' and '.join(REAL_TIME)}.",
                metavar="PORT",
                default="no page",
            ),
            None,
        ),
        "horizon": (
            flag(
                int | None,
                "Steps after which an episode of a gym: environment is cut off.",
                metavar="INT",
                default="the environment's own",
            ),
            None,
        ),
    },
)


def evaluate(argv: Sequence[str], terminal: Terminal) -> int:
    """Run the episodes, print success with its interval, and keep every episode's row; 1 if films failed."""
    options, argv = take_task_options(argv)
    flags = parse(
        EvalFlags, argv, command="ibc-gym eval", description=DESCRIPTION, examples=EXAMPLES
    )
    if flags.horizon is not None:
        if options.get("horizon", flags.horizon) != flags.horizon:
            raise UsageError(
                f"--horizon {flags.horizon} and --task.horizon {options['horizon']} contradict each other; "
                "give one of them."
            )
        options["horizon"] = flags.horizon
    config = config_of(EvalConfig, flags, options=options)
    if config.policy not in SCRIPTED and not Path(config.policy).exists():
        raise ConfigError(
            f"There is no run at {config.policy}; train one with `ibc-gym train`, or say oracle or random."
        )
    with watched(config.view) as page:
        if page is not None:
            terminal.say(f"The live picture is at {page.address}")
        plan = prepare(config)
        terminal.writes("rows of every episode and a summary", f"{plan.folder}/")
        for note in plan.notes:
            terminal.say(note)
        if has_brake(config.workcell):
            terminal.say(
                "Esc or q stops the arm at once and ends this; episodes that are done are kept."
            )
        terminal.kept = (
            "An evaluation is written when all its episodes have ended, and films after that."
        )
        if config.latency_steps:
            terminal.say(
                f"Times {count(config.latency_steps, 'action')} one by one, then runs the episodes."
            )
        with terminal.progress("Episodes") as (bar,):
            evaluation = carry_out(
                plan,
                lambda now: bar(now.done / now.total, in_words(now)),
                lambda timed: bar(0.0, timing(timed)),
                page,
            )
    terminal.result(evaluation.summary, evaluation_table([evaluation.summary]))
    terminal.say(f"Written to {evaluation.folder}")
    if evaluation.film_error is not None:
        terminal.say(
            f"The episodes are counted, but not all films were made: {evaluation.film_error}"
        )
        return 1
    return 0


def in_words(now: EvalProgress) -> str:
    """How an evaluation goes, for the line below its bar."""
    so_far = f"{now.successes} of {count(now.done, 'episode')} succeeded"
    if now.doubts:
        return f"{so_far}; the policy: {now.doubts}"
    return f"{so_far}, {now.done / max(now.seconds, 1e-9):.1f}/s"


def timing(timed: int) -> str:
    """What an evaluation does before its first episode, for the line below its bar."""
    return f"first the time per action: {timed} timed"


def evaluation_table(summaries: Sequence[Mapping[str, Any]]) -> Any:
    """Policies side by side: success with its interval, return, latency."""
    rows = []
    for found in summaries:
        low, high = found["ci95"]
        latency = found.get("action_ms") or {}
        rows.append(
            (
                found["policy"],
                f"{found['successes']} of {found['episodes']}",
                f"{found['success_rate']:.1%} ({low:.1%} to {high:.1%})",
                f"{found['return_mean']:.3g}",
                f"{latency['median']:.2f}" if latency else "–",
            )
        )
    first = summaries[0]
    return table(
        f"{first['task']} on {first['workcell']}, 95 % Wilson intervals",
        ("policy", "succeeded", "success", "return", "ms per decision"),
        rows,
    )
