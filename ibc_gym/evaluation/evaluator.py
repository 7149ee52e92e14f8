"""How good a policy is: many episodes on known seeds, and what can be said about them.

Whatever the environment, it is the one loop of `ibc_gym.rollout`. The same policy, seeds and options give the same
episodes on any number of cores; each can be filmed and looked into afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ibc_gym.atomic import whole_folder
from ibc_gym.checkpoint import SEEDS
from ibc_gym.contracts import LearnedPolicy
from ibc_gym.data.metadata import installed_versions, plain
from ibc_gym.data.seed_ranges import count_within
from ibc_gym.errors import ConfigError, IbcGymError, Stopped
from ibc_gym.evaluation.faults import ArmFault
from ibc_gym.evaluation.probe import OnStep, Probe, choose_workers, probe
from ibc_gym.evaluation.results import (
    SCRIPTED,
    EvalConfig,
    Evaluation,
    evaluation_name,
    write_evaluation,
)
from ibc_gym.evaluation.shares import Share, cut_into_shares, run_shares
from ibc_gym.evaluation.stage import Stage, resolve
from ibc_gym.evaluation.summary import batched_ms, headline_of, milliseconds, summarise
from ibc_gym.paths import run_of, writable_folder
from ibc_gym.real_time import is_real_time
from ibc_gym.rollout import POLICY, Transition
from ibc_gym.serialise import to_json
from ibc_gym.specs import differing_options, options_of
from ibc_gym.tables import UNMEASURED
from ibc_gym.uncertain import doubts_in_words
from ibc_gym.watching import Page, watched
from ibc_gym.words import count


@dataclass(frozen=True, kw_only=True)
class EvalProgress:
    """How far an evaluation is."""

    done: int
    """Episodes that have ended."""
    total: int
    successes: int
    seconds: float
    """Since the first episode began."""
    doubts: str = ""
    """How sure the policy is just now, in words; where an arm moves in real time, which is told of at every step."""


OnProgress = Callable[[EvalProgress], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """An evaluation that is known to be possible, before its first episode."""

    config: EvalConfig
    stage: Stage
    facts: Mapping[str, Any]
    """What is known of policy and environment."""
    folder: Path
    """Where it will be written."""
    notes: tuple[str, ...]
    """Sentences on how the environment's options differ from those of the policy's demonstrations."""


def evaluate(
    config: EvalConfig,
    on_progress: OnProgress | None = None,
    on_timed: OnStep | None = None,
    *,
    through_faults: bool = False,
) -> Evaluation:
    """Run a policy on every seed, and write down what came of it.

    Args:
        config: What to run.
        on_progress: Called after every episode.
        on_timed: Called before that, after every action that is timed alone, with how many they are.
        through_faults: Whether, where an emulated arm moves in real time, its faults and its cameras' count as failures
            and it is cleared without asking anybody; if it cannot be, the evaluation ends there and `cut_off` says why.

    Returns:
        The evaluation, also written to `<run>/evaluations/<name>/`; if films were asked for and could not be made,
        its `film_error` says why.

    Raises:
        ConfigError: Faults of a real arm are to be cleared without asking.
        CheckpointError: The checkpoint is missing or incomplete.
        SpecMismatch: The policy was made for another task.
        UnknownName: There is no such task, workcell or oracle.
        WorkerFailed: A worker process was killed.
        Stopped: A person at a terminal stopped the arm by a key; the episodes before that are written down.
    """
    if through_faults and config.workcell in UNMEASURED:
        raise ConfigError(
            f"Workcell {config.workcell!r} is no emulated one: a person must look before its faults are cleared."
        )
    with watched(config.view) as page:
        plan = prepare(config)
        return carry_out(plan, on_progress, on_timed, page, through_faults=through_faults)


def prepare(config: EvalConfig) -> Plan:
    """Find out all that can go wrong before the work; makes the policy and one environment, and the folder.

    Raises:
        CheckpointError: The checkpoint is missing or incomplete.
        SpecMismatch: The policy was made for another task.
        UnknownName: There is no such task, workcell or oracle.
        ConfigError: The folder or a setting does not serve.
    """
    stage = resolve(config)
    facts, notes = _facts(config, stage)
    if config.films or config.film_seeds:
        stage.make_filmed_env().close()  # fails before the work rather than after it
    folder = evaluation_folder(config, stage, facts["workcell"])
    if folder.exists():
        notes = (
            *notes,
            "Takes the place of an earlier evaluation there; another --name keeps both.",
        )
    return Plan(config=config, stage=stage, facts=facts, folder=folder, notes=notes)


def carry_out(
    plan: Plan,
    on_progress: OnProgress | None = None,
    on_timed: OnStep | None = None,
    page: Page | None = None,
    *,
    through_faults: bool = False,
) -> Evaluation:
    """Run the episodes of a plan; arguments and errors as for `evaluate`.

    `page` shows them live, if there is one.
    """
    config, stage = plan.config, plan.stage
    found = probe(stage, config.seeds, config.latency_steps, on_timed)
    started = time.perf_counter()
    counter = _Counter(config.episodes, on_progress)
    ended: list[Share] = []
    try:
        results = run_shares(
            stage,
            cut_into_shares(config.seeds, config.share),
            num_envs=config.num_envs,
            workers=choose_workers(config.workers, config.episodes, found),
            threads=config.workers,  # nobody who asks for one worker wants two threads
            on_episode=counter,
            on_share=ended.append,
            page=page,
            on_step=counter.step if is_real_time(config.workcell) else None,
            through_faults=through_faults and is_real_time(config.workcell),
        )
    except (
        BaseException
    ) as error:  # what an arm has done in real time is not done again for an interrupt
        faulty = isinstance(error, (*ArmFault, Stopped))
        if not ended or not (faulty or is_real_time(config.workcell)):
            raise
        said = str(error) or type(error).__name__
        kept = _write(plan, ended, time.perf_counter() - started, found, said)
        if through_faults and isinstance(error, ArmFault):
            return kept
        if not faulty:
            raise
        before = count(len(kept.episodes), "episode")
        raise type(error)(
            f"{error} What came before is kept: {before} in {kept.folder}."
        ) from error
    evaluation = _write(plan, results, time.perf_counter() - started, found, None)
    return _filmed(evaluation, stage, config)


def _write(
    plan: Plan, results: Sequence[Share], seconds: float, found: Probe | None, cut_off: str | None
) -> Evaluation:
    """Sum up what was run, and put it on the disk; `cut_off` is what ended it before its time."""
    episodes = tuple(episode for share in results for episode in share.episodes)
    alone = (
        None
        if results[0].rows > 1
        else np.concatenate([each.act_seconds[each.decided] for each in results])
    )
    timed = alone if found is None else found.act_seconds
    summary = {
        **summarise(plan.facts, episodes, None if timed is None else milliseconds(timed)),
        "action_ms_batched": batched_ms(results),
        "cpu_seconds": sum(share.cpu_seconds for share in results),
        "wall_seconds": seconds,
        "cut_off": cut_off,
        "versions": installed_versions(),
        "config": to_json(plan.config),
    }
    tapes = tuple(tape for share in results for tape in share.tapes)
    evaluation = Evaluation(summary=summary, episodes=episodes, tapes=tapes, folder=plan.folder)
    with whole_folder(
        plan.folder, replace=True
    ) as passing:  # the same may have been evaluated before
        write_evaluation(replace(evaluation, folder=passing))
    return evaluation


def _filmed(evaluation: Evaluation, stage: Stage, config: EvalConfig) -> Evaluation:
    """Make the films; what goes wrong with them must not cost the episodes that were run."""
    if not (config.films or config.film_seeds):
        return evaluation
    try:
        from ibc_gym.evaluation.films import film_episodes  # without films, no codec is needed

        film_episodes(evaluation, stage, config.films, config.film_seeds)
    except Exception as error:
        reason = (
            str(error) if isinstance(error, IbcGymError) else f"{type(error).__name__}: {error}"
        )
        return replace(evaluation, film_error=reason)
    return evaluation


def evaluation_folder(config: EvalConfig, stage: Stage, workcell: str | None) -> Path:
    """Where an evaluation will be; the folder around it is made, and proved to be writable.

    Raises:
        ConfigError: It cannot be written to.
    """
    if config.out is not None:
        run = config.out
    elif config.policy in SCRIPTED:
        run = Path("runs") / f"{config.policy}-{stage.env.removeprefix('gym:')}"
    else:
        run = run_of(Path(config.policy))
    name = evaluation_name(config, stage.env, workcell, stage.options)
    return writable_folder(run / "evaluations") / name


def _facts(config: EvalConfig, stage: Stage) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What is known before the first episode, and what to say of the options."""
    envs = stage.make_envs(1)
    try:
        policy = stage.make_policy(envs)
        task = stage.task(envs)
        named = stage.workcell or next(iter(getattr(task, "workcells", ())), None)
        options = options_of(envs)
        facts: dict[str, Any] = {
            "task": stage.env,
            "workcell": named,
            "policy": stage.policy,
            "options": plain(stage.options) if options is None else options,
            "horizon": getattr(task, "horizon", None),
            "score": headline_of(config, task),
            "checkpoint": None,
        }
        if stage.policy in SCRIPTED:
            return facts, ()
        facts.update(_about_checkpoint(stage.policy, policy))
        differing = differing_options(cast(LearnedPolicy, policy).spec, envs)
        notes = _notes(config, stage, differing, facts["options"])
        known = facts["checkpoint"].pop(SEEDS, ())
        return facts, (*notes, *_seen(config, known))
    finally:
        envs.close()


def _seen(config: EvalConfig, demonstrated: Sequence[Sequence[int]]) -> Iterator[str]:
    """That episodes begin as demonstrations did which the policy knows."""
    known = count_within(config.seeds, demonstrated)
    if known:
        which = "All" if known == config.episodes else f"{known} of the {config.episodes}"
        yield (
            f"{which} seeds are those of demonstrations that the policy learned from, so this is no test of what it does "
            "elsewhere; --first-seed takes others."
        )


def _notes(
    config: EvalConfig, stage: Stage, recorded: Mapping[str, Any], here: Mapping[str, Any]
) -> tuple[str, ...]:
    """Which options were taken over from the demonstrations, and which were not though nobody asked for others."""
    taken = [
        f"{name} {value}" for name, value in stage.options.items() if name not in config.options
    ]
    others = {name: value for name, value in recorded.items() if name not in config.options}
    apart = [each for name, value in others.items() for each in _apart(name, value, here[name])]
    had = ", ".join(f"{name} {_said(there)}" for name, there, _ in apart)
    it_is = ", ".join(_said(now) for _, _, now in apart)
    notes = [f"As in the demonstrations: {', '.join(taken)}."] if taken else []
    notes += [f"The demonstrations had {had}; here it is {it_is}."] if others else []
    return tuple(notes)


def _apart(name: str, there: Any, here: Any) -> list[tuple[str, Any, Any]]:
    """Where two values of an option differ, by dotted names; of inner settings those alone that do."""
    if not (isinstance(there, Mapping) and isinstance(here, Mapping)):
        return [(name, there, here)]
    pairs = {inner: (there.get(inner), here.get(inner)) for inner in {**there, **here}}
    return [
        part
        for inner, (then, now) in pairs.items()
        if then != now and (then or now)
        for part in _apart(f"{name}.{inner}", then, now)
    ]


def _said(value: Any) -> str:
    return "the environment's own" if value is None else str(value)


def _about_checkpoint(path: str, policy: Any) -> dict[str, Any]:
    from ibc_gym.checkpoint import find_policy, read_config

    found = read_config(path)
    return {
        "policy": found["type"],
        "checkpoint": {"path": str(find_policy(path)), **found.get("about", {})},
        "frame": policy.config.frame,
        "inputs": list(policy.config.inputs),
    }


class _Counter:
    """Turns the end of an episode into progress."""

    def __init__(self, total: int, on_progress: OnProgress | None) -> None:
        self._total = total
        self._report = on_progress
        self._done = 0
        self._successes = 0
        self._started = time.perf_counter()

    def __call__(self, success: bool) -> None:
        self._done += 1
        self._successes += success
        self._tell("")

    def step(self, transition: Transition) -> None:
        """Somebody watches the arm, and wants to know how sure the policy is."""
        said = {
            name.removeprefix(POLICY): float(values[0])
            for name, values in transition.info.items()
            if name.startswith(POLICY)
        }
        if words := doubts_in_words(said):
            self._tell(words)

    def _tell(self, doubts: str) -> None:
        if self._report is not None:
            self._report(
                EvalProgress(
                    done=self._done,
                    total=self._total,
                    successes=self._successes,
                    seconds=time.perf_counter() - self._started,
                    doubts=doubts,
                )
            )
