"""`ibc-gym train`: a policy from recorded demonstrations."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ibc_gym.checkpoint import CHECKPOINTS, step_folders
from ibc_gym.cli.flags import REQUIRED, UsageError, config_of, flag, flags_of, parse, take, word
from ibc_gym.cli.typed import as_typed, flag_groups
from ibc_gym.console import Terminal, table
from ibc_gym.data.damage import left_out
from ibc_gym.loading import attribute, load
from ibc_gym.serialise import from_json, to_json
from ibc_gym.tables import GYM_PREFIX, IDLE_SETTINGS, POLICIES, PRESETS, TASKS
from ibc_gym.training.config import OF_THE_MACHINE, TrainConfig, differing_settings, idle
from ibc_gym.training.records import TrainResult
from ibc_gym.training.run_folder import settings_of
from ibc_gym.training.telemetry import ConsoleDisplay, duration
from ibc_gym.training.trainer import check_ready, load_training_set, train_on

DESCRIPTION = (
    "Train a policy on recorded or imported demonstrations.",
    "Its --policy.* flags depend on --policy.type, which chooses the policy.",
    "A preset fills in everything; flags beside it win.",
)
EXAMPLES = (
    "demos.zarr",
    "demos.zarr --preset fast/push-frame --out runs/push",
    "demos.zarr --policy.type mse --steps 2000 --seed 1",
    "demos.zarr --policy.optimiser langevin --out runs/langevin",
)


def train(argv: Sequence[str], terminal: Terminal) -> None:
    """Train, and leave checkpoints, metrics and TensorBoard files in the run's folder."""
    if {"-h", "--help"} & {*argv}:
        argv = _for_help(argv)
    flags = parse(
        train_flags(argv),
        argv,
        command="ibc-gym train",
        description=DESCRIPTION,
        examples=EXAMPLES,
    )
    named = Path(os.path.abspath(flags.data))  # "." and ".." resolved, links not: it is a name
    out = flags.out or Path("runs") / f"{named.name.removesuffix('.zarr')}-{flags.policy}"
    config = config_of(TrainConfig, flags, out=out)
    if not (config.resume and step_folders(out)):  # a run goes on with what it was begun with
        refuse_idle(argv, flags)
    what = (
        "checkpoints, metrics and TensorBoard files"
        if flags.tensorboard
        else "checkpoints and metrics"
    )
    check_ready(config)
    for line in _goes_on(argv, flags):
        terminal.say(line)
    terminal.say(f"Reads {config.data}")
    data = load_training_set(config)
    terminal.writes(what, f"{out}/")
    if config.skip_damaged:
        terminal.say(left_out(data.damaged))
    try:
        with ConsoleDisplay(terminal.console) as display:
            result = train_on(config, data, display)
    except KeyboardInterrupt:
        terminal.kept = _kept(out, argv)
        raise
    result = replace(result, checkpoint=out / CHECKPOINTS / result.checkpoint.name)
    answer = {
        **dataclasses.asdict(result),
        "policy": config.policy,
        "data": str(config.data),
        "damaged": [dataclasses.asdict(damage) for damage in data.damaged],
    }
    terminal.result(answer, _table(result))
    terminal.say(_next(data.spec.task, out))
    if not config.resume:
        terminal.again = f"ibc-gym train {shlex.join([*_without_out(argv), '--out', _free(out)])}"


def refuse_idle(argv: Sequence[str], flags: Any) -> None:
    """Refuse a flag that nothing reads as the others are; it would be taken, and train something else.

    Raises:
        UsageError: There is one; it says why, and what would read it.
    """
    of_policy = attribute(IDLE_SETTINGS, "Settings of a policy")(flags.policy_config)
    descends = getattr(load(POLICIES, flags.policy, "policy"), "descends", True)
    unread = {
        **idle(flags, descends=descends),
        **{f"policy.{name}": why for name, why in of_policy.items()},
    }
    for said in (each.partition("=")[0] for each in argv if each.startswith("--")):
        path = re.sub(r"(^|\.)no_", r"\1", said.removeprefix("--").replace("-", "_"))
        for name, why in unread.items():
            if f"{path}.".startswith(f"{name}."):
                why = as_typed(why, flag_groups(type(flags)))
                raise UsageError(f"{said} changes nothing: {why}.")


def _for_help(argv: Sequence[str]) -> list[str]:
    """The words that ask for a help page, with `--policy mse` for what it means."""
    words: list[str] = []
    for index, said in enumerate(argv):
        typed, equals, value = said.partition("=")
        if typed != "--policy":
            words.append(said)
        elif equals or not argv[index + 1 : index + 2] or argv[index + 1].startswith("-"):
            words += [f"--policy.type={value}"] if value else []
        else:
            words.append("--policy.type")
    return words


def _kept(out: Path, argv: Sequence[str]) -> str:
    """What is left of a training that was interrupted, and how to go on."""
    saved = step_folders(out)
    if not saved:
        return "No update was finished, so there is no checkpoint yet."
    words = [*argv, *([] if "--resume" in argv else ["--resume"])]
    return f"Checkpoint {saved[-1].name} is kept; go on with: ibc-gym train {shlex.join(words)}"


def _next(task: str, out: Path) -> str:
    """What can be done with the policy."""
    if task in TASKS or task.startswith(GYM_PREFIX):
        return f"Evaluate it with: ibc-gym eval {shlex.quote(str(out))}"
    return f"There is no task {task!r} here, so there is nothing to evaluate it in."


def _without_out(argv: Sequence[str]) -> list[str]:
    given = [n for n, said in enumerate(argv) if said == "--out"]
    dropped = {*given, *(n + 1 for n in given)}
    return [
        said for n, said in enumerate(argv) if n not in dropped and not said.startswith("--out=")
    ]


def _free(out: Path) -> str:
    """The folder's name with the first number that is not taken."""
    named = out if out.name else out.resolve()  # "." has no name of its own
    names = (named.with_name(f"{named.name}-{number}") for number in itertools.count(2))
    return str(next(path for path in names if not path.exists()))


def train_flags(argv: Sequence[str]) -> type[Any]:
    """The flags of `TrainConfig`, with those of the policy that `--policy.type` or `--preset` names, or of the run that goes on.

    Raises:
        UnknownName: There is no such policy or preset.
        UsageError: Preset and policy contradict each other, one of the two flags has no value, or `--policy` is taken for
            the flag that chooses one.
    """
    for index, said in enumerate(argv):
        typed, _, value = said.partition("=")
        if typed == "--policy":
            value = value or next(iter(argv[index + 1 : index + 2]), "")
            meant = "NAME" if not value or value.startswith("-") else value
            raise UsageError(f"A policy is chosen with --policy.type: --policy.type {meant}")
    name = take(argv, "--preset")
    preset = None if name is None else load(PRESETS, name, "preset")
    begun = _begun(argv)
    usual = begun["policy"] if begun else "ebm"
    chosen = take(argv, "--policy.type") or (preset.policy if preset else usual)
    if preset and preset.policy != chosen:
        raise UsageError(
            f"Preset {name!r} is for policy {preset.policy!r}, not {chosen!r}; leave out --policy.type."
        )
    policy = load(POLICIES, chosen, "policy")
    config = preset.config if preset else policy.Config()
    defaults = vars(preset.training) if preset else {}
    if begun and begun["policy"] == chosen:
        config = from_json(policy.Config, begun["policy_config"])
        defaults = _as_begun(begun)
    kind = Literal[tuple(POLICIES)]  # type: ignore[valid-type]
    return flags_of(
        TrainConfig,
        {
            "data": (word(Path, "A folder of demonstrations.", "DATA"), REQUIRED),
            "out": (
                flag(Path | None, "Folder of the run.", metavar="PATH", default="runs/DATA-POLICY"),
                None,
            ),
            "policy": (flag(kind, "Which policy to train.", name="policy.type"), chosen),
            "policy_config": (flag(policy.Config, "", name="policy"), config),
            "preset": (
                flag(str | None, "A measured recipe: `ibc-gym list` names them.", metavar="NAME"),
                None,
            ),
        },
        defaults=defaults,
    )


def _begun(argv: Sequence[str]) -> Mapping[str, Any] | None:
    """Settings of the run that is to be gone on with; None where the words name none that has a checkpoint."""
    out = take(argv, "--out")
    saved = step_folders(Path(out)) if out and "--resume" in argv else []
    return settings_of(saved[-1]) if saved else None


def _goes_on(argv: Sequence[str], flags: Any) -> Iterator[str]:
    """What is said of a run that goes on: whose settings count, and where the preset that is named is another one."""
    begun = _begun(argv)
    if not begun or begun["policy"] != flags.policy:
        return
    yield "Goes on with the settings that the run was begun with."
    if flags.preset is not None:
        preset = load(PRESETS, flags.preset, "preset")
        as_it_is = {**vars(preset.training), "policy_config": to_json(preset.config)}
        differing = differing_settings({name: begun.get(name) for name in as_it_is}, as_it_is)
        if differing:
            said = as_typed(differing, flag_groups(type(flags)))
            yield f"Those of {flags.preset} are others now: {said}."


def _as_begun(begun: Mapping[str, Any]) -> dict[str, Any]:
    """What flags are by default, where a run goes on: what they were when it began."""
    was = from_json(TrainConfig, begun)
    said_otherwise = {"data", "out", "resume", "policy", "policy_config", *OF_THE_MACHINE}
    return {name: value for name, value in vars(was).items() if name not in said_otherwise}


def _table(result: TrainResult) -> Any:
    rows = [
        ("checkpoint", result.checkpoint),
        ("updates", result.steps),
        ("loss", "not known" if result.loss is None else f"{result.loss:.4g}"),
        ("time", f"{duration(result.seconds)} ({result.cpu_seconds:.0f} CPU-seconds)"),
    ]
    if result.action_error is not None:
        chosen = f"{result.action_error:.4g} after update {result.best_step}"
        rows.insert(1, ("held-out action error", chosen))
    if result.rollbacks:
        rows.append(("rollbacks", f"{result.rollbacks}; metrics.jsonl says what for"))
    return table("Trained", ("what", "how much"), rows)
