"""The episodes of an evaluation, run in shares by one process or by many.

A share is a fixed list of seeds, run from a fresh policy by one `rollout`. Its result depends on nothing but itself, so
any number of workers gives the same evaluation, bit for bit.
"""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
from gymnasium.vector import SyncVectorEnv, VectorEnv

from ibc_gym.braking import braked, how_it_stopped, robot_of
from ibc_gym.contracts import Policy
from ibc_gym.errors import Stopped, WorkerFailed
from ibc_gym.evaluation.faults import ArmFault, Earnings, have_back, only_env
from ibc_gym.evaluation.results import SCRIPTED, Tape
from ibc_gym.evaluation.stage import Stage
from ibc_gym.evaluation.tape import TapeDeck
from ibc_gym.heap import give_back_freed_memory, keep_freed_memory
from ibc_gym.processes import deaf_to_ctrl_c
from ibc_gym.records import Bool, Float64, Observation
from ibc_gym.rollout import Episode, Listener, Rollout, Transition, rollout
from ibc_gym.watching import OnPage, Page

OnEpisode = Callable[[bool], None]
"""Told of every episode that ends, and whether it succeeded."""
OnStep = Callable[[Transition], None]
"""Told of every step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Share:
    """What became of one share."""

    episodes: tuple[Episode, ...]
    tapes: tuple[Tape, ...]
    """In the order of the episodes."""
    act_seconds: Float64
    """Wall time of every call of the policy, which served all rows [s]."""
    decided: Bool
    """Which calls decided anything, as `rollout.Rollout` has it."""
    rows: int
    """Environments that a call served."""
    cpu_seconds: float
    """CPU time of the process, environments and policy together [s]."""


def cut_into_shares(seeds: Sequence[int], size: int) -> list[list[int]]:
    """The seeds in order, `size` at a time."""
    return [list(seeds[start : start + size]) for start in range(0, len(seeds), size)]


def run_shares(
    stage: Stage,
    shares: Sequence[Sequence[int]],
    *,
    num_envs: int,
    workers: int,
    threads: int = 1,
    on_episode: OnEpisode,
    on_share: Callable[[Share], None] | None = None,
    page: Page | None = None,
    on_step: OnStep | None = None,
    through_faults: bool = False,
) -> list[Share]:
    """Run every share; the results come in the order of the shares.

    Args:
        stage: The policy and the environment.
        shares: Seeds.
        num_envs: Environments that a call of the policy serves; no more than a share has episodes, since one without any
            would play for nothing.
        workers: Processes; 1 stays in this one. A script that asks for more must keep its own doing under
            `if __name__ == "__main__"`, because every process imports it.
        threads: That step the environments where there is one worker alone; 0 takes all cores.
        on_episode: Called in this process.
        on_share: The same, with every share that is complete, where there is one worker alone.
        page: Shows the only environment of the only worker.
        on_step: The same, with every step.
        through_faults: Whether an episode that a fault of the arm or a camera cuts off is a failure and the arm is had
            back for the next, where there is one worker with one environment and every share is an episode.

    Raises:
        RobotFault: The arm failed; with `through_faults`, it could not be had back after that.
        CameraTimeout: The same of a camera.
        WorkerFailed: A process raised an error, was killed, or ended early.
    """
    workers = min(workers, len(shares))
    num_envs = min(num_envs, max(map(len, shares)))
    if workers == 1:
        done = []
        for _, share in _run(
            stage,
            list(enumerate(shares)),
            num_envs,
            threads,
            on_episode,
            page,
            on_step,
            through_faults,
        ):
            done.append(share)
            if on_share is not None:
                on_share(share)
        return done
    context = multiprocessing.get_context("spawn")  # a fork would inherit GL contexts and threads
    receivers: list[Connection] = []
    processes = []
    try:
        for number in range(workers):
            receiver, sender = context.Pipe(duplex=False)
            part = list(enumerate(shares))[number::workers]
            process = context.Process(
                target=_serve, args=(stage, part, num_envs, sender), daemon=True
            )
            with deaf_to_ctrl_c():
                process.start()
                processes.append(process)
            sender.close()  # so that a killed process is heard as the end of its pipe
            receivers.append(receiver)
        found = _collect(dict(zip(receivers, processes, strict=True)), on_episode)
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.kill()
        for receiver in receivers:
            receiver.close()
    return [found[index] for index in range(len(shares))]


def _collect(
    processes: Mapping[Connection, BaseProcess], on_episode: OnEpisode
) -> Mapping[int, Share]:
    found: dict[int, Share] = {}
    waiting = list(processes)
    while waiting:
        for receiver in wait(waiting):
            assert isinstance(receiver, Connection)
            try:
                kind, content = receiver.recv()
            except EOFError:
                raise WorkerFailed(_fate(processes[receiver])) from None
            if kind == "episode":
                on_episode(content)
            elif kind == "share":
                found[content[0]] = content[1]
            elif kind == "error":
                error = WorkerFailed(f"A process of the evaluation stopped: {content[0]}")
                error.add_note(content[1])
                raise error
            else:
                waiting.remove(receiver)
    return found


def _fate(process: BaseProcess) -> str:
    """What to say of a process that has ended without a word."""
    process.join()
    if (process.exitcode or 0) < 0:
        return (
            "A process of the evaluation was killed, perhaps for want of memory; "
            "try fewer --workers or --num-envs."
        )
    return (
        f"A process of the evaluation ended before its work, with exit code {process.exitcode}. Every process imports "
        'the main script anew: a script of your own must keep its work under `if __name__ == "__main__":`.'
    )


def _serve(
    stage: Stage, shares: Sequence[tuple[int, Sequence[int]]], num_envs: int, sender: Connection
) -> None:
    """What a worker process does: run its shares and tell of them."""
    try:
        ring = partial(_send_episode, sender)
        for result in _run(stage, shares, num_envs, 1, ring):
            sender.send(("share", result))
        sender.send(("end", None))
    except BrokenPipeError:
        return  # nobody listens any more
    except Exception as error:
        sender.send(("error", (f"{type(error).__name__}: {error}", traceback.format_exc())))


def _send_episode(sender: Connection, good: bool) -> None:
    sender.send(("episode", good))


def _run(
    stage: Stage,
    shares: Sequence[tuple[int, Sequence[int]]],
    num_envs: int,
    threads: int,
    on_episode: OnEpisode,
    page: Page | None = None,
    on_step: OnStep | None = None,
    through_faults: bool = False,
) -> Iterator[tuple[int, Share]]:
    with one_thread(stage), ExitStack() as held:
        envs = stage.make_envs(num_envs, threads)
        try:
            stopped = held.enter_context(braked(stage.workcell, envs))
            ears: list[Listener] = [_Bell(on_episode, on_step)]
            if page is not None and isinstance(envs, SyncVectorEnv):
                ears.append(OnPage(page, envs.envs[0]))
            policy = stage.make_policy(envs)
            fault: Exception | None = None
            for index, seeds in shares:
                if fault is not None:
                    have_back(only_env(envs))
                    if (why := stopped()) is not None:
                        raise Stopped(how_it_stopped(why, robot_of(envs)))
                share, fault = _play(envs, policy, seeds, ears)
                if fault is not None:
                    if not through_faults or stopped() is not None:
                        raise fault
                    on_episode(False)
                yield index, share
        finally:
            envs.close()


def _play(
    envs: VectorEnv[Any, Any, Any],
    policy: Policy,
    seeds: Sequence[int],
    ears: Sequence[Listener],
) -> tuple[Share, Exception | None]:
    """One share; and the fault of the arm or a camera that cut it off, when it has the episode that was under way alone."""
    deck, earnings, started = TapeDeck(), Earnings(), time.process_time()
    fault: Exception | None = None
    try:
        played = rollout(envs, policy, seeds, [deck, earnings, *ears])
        tapes = {tape.seed: tape for tape in deck.tapes}
    except ArmFault as error:
        fault = error
        size = int(np.prod(envs.single_action_space.shape or ()))
        tapes = {seeds[0]: deck.cut_off(seeds[0], size)}
        failed = earnings.failed(tapes[seeds[0]], error)
        played = Rollout(episodes=(failed,), act_seconds=np.zeros(0), decided=np.zeros(0, np.bool_))
    share = Share(
        episodes=played.episodes,
        tapes=tuple(tapes[episode.seed] for episode in played.episodes),
        act_seconds=played.act_seconds,
        decided=played.decided,
        rows=envs.num_envs,
        cpu_seconds=time.process_time() - started,
    )
    return share, fault


@contextmanager
def one_thread(stage: Stage) -> Iterator[None]:
    """Keep torch to one thread, so that processes do not crowd each other out and rounding is the same everywhere."""
    if stage.policy in SCRIPTED:
        yield
        return
    import torch

    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        give_back_freed_memory()


class _Bell:
    """A listener that rings when an episode ends, and hands on every step to who wants it."""

    def __init__(self, on_episode: OnEpisode, on_step: OnStep | None) -> None:
        self._on_episode = on_episode
        self._on_step = on_step

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        pass

    def on_step(self, transition: Transition) -> None:
        if self._on_step is not None:
            self._on_step(transition)
        for row in np.flatnonzero(transition.ended):
            self._on_episode(bool(transition.info["is_success"][row]))
