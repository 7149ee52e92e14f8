"""Scripted demonstrations, recorded by all cores: the same data whatever the number of workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv, VectorEnv

from ibc_gym.checks import require_share, settle
from ibc_gym.contracts import Policy
from ibc_gym.data import segments, storage
from ibc_gym.data.demonstration import Columns
from ibc_gym.data.metadata import Metadata, describe
from ibc_gym.data.recorder import Recorder
from ibc_gym.errors import ConfigError, DatasetCorrupt, WorkerFailed
from ibc_gym.lock import only_writer
from ibc_gym.offers import CAREFUL, RANDOM_ACTIONS, TakesCare, steadied
from ibc_gym.raw_streams import check_raw, raw_folder
from ibc_gym.real_time import check_one_at_a_time, is_real_time
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.registry import (
    add_noise,
    make_oracle,
    make_vec_env,
)
from ibc_gym.rollout import Transition, rollout
from ibc_gym.tables import VECTOR_ENVS
from ibc_gym.threads import usable_cores

STATE = "simulation_state"
"""Name under which the simulator's state after the reset is stored with each episode."""


@dataclass(frozen=True, kw_only=True)
class RecordConfig:
    """What to demonstrate, how often, and where to put it."""

    task: str = "push"
    """A task with an oracle."""
    out: Path = Path("demos.zarr")
    """The data set; one that is there already is gone on with."""
    episodes: int = 200
    """How many; episode k is reset with `seed + k`."""
    seed: int = 0
    """Seed of the first episode."""
    workcell: str | None = None
    """Where the task runs; by default the task's first workcell."""
    observation: str = "state"
    """What is stored: "state", "image" or "state+image". The oracle sees the state in any case."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the task's config."""
    noise: float = 0.0
    """Standard deviation of what is added to the oracle's actions, in their units.

    The oracle's own action is stored as `action`, the one that was carried out as `action_sent`. A demonstrator that bears
    little noise, as that of push, takes care under it.
    """
    random_actions: float = 0.0
    """Share of the steps at which an action drawn from the action space is carried out instead of the oracle's.

    Noise shows how to stay on the way, and these how to come back to it from elsewhere. What is stored is as with noise, and who
    bears less of that gets fewer of these.
    """
    successes_only: bool = False
    """Leave out episodes that fail."""
    workers: int = 0
    """Processes; 0 takes every core. The data do not depend on it."""
    num_envs: int = 0
    """Environments per process that are stepped together; 0 chooses."""
    share: int = 0
    """Episodes that are run and committed together, the unit that workers divide among themselves; 0 chooses."""
    raw: bool = False
    """Record the cameras' raw streams, too, beside the data set."""

    def __post_init__(self) -> None:
        settle(self)
        least = {"episodes": 1, "seed": 0, "workers": 0, "num_envs": 0, "share": 0, "noise": 0}
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise ConfigError(
                    f"RecordConfig.{name} is {getattr(self, name)}, but must be at least {bound}."
                )
        require_share(self, "random_actions")
        check_one_at_a_time(self.workcell, workers=self.workers, num_envs=self.num_envs)
        if self.raw:
            check_raw(self.workcell, cameras="image" in self.observation)


@dataclass(frozen=True, kw_only=True)
class RecordSummary:
    """How far a recording is, or what became of it."""

    out: Path
    wanted: int
    """Episodes that were asked for."""
    present: int = 0
    """Of those, episodes that were in the data set before."""
    others: int = 0
    """Episodes in the data set beside those: of other seeds, or made otherwise."""
    done: int = 0
    """Episodes that were run."""
    successes: int = 0
    """Episodes run that succeeded."""
    written: int = 0
    """Episodes run that are on the disk."""
    steps: int = 0
    """Steps written."""
    seconds: float = 0.0
    """Wall time [s]."""


OnProgress = Callable[[RecordSummary], None]
"""Told how far it is."""


def record(
    config: RecordConfig,
    on_progress: OnProgress | None = None,
    on_begin: OnProgress | None = None,
) -> RecordSummary:
    """Record scripted demonstrations; run again after a kill, it does what is missing.

    A script that calls this must keep its own doing under `if __name__ == "__main__"`, because every process
    imports it.

    Args:
        config: What to record.
        on_progress: Told after every share.
        on_begin: Told once, before the first, what is there already.

    Raises:
        ConfigError: The folder or a setting does not serve, or another process is recording there.
        UnknownName: There is no such task, or it has no oracle.
        SpecMismatch: The folder holds other demonstrations.
        WorkerFailed: A process was killed; what was committed is there.
    """
    started = time.perf_counter()
    metadata = _metadata(config)
    storage.create(config.out, metadata)
    # What is missing may be looked up and made by one process only, or two make the same.
    with only_writer(config.out, "recording"):
        shares, summary = _missing(config, metadata)
        if on_begin is not None:
            on_begin(summary)
        for part in _run(config, metadata, shares):
            summary = replace(
                summary,
                done=summary.done + part.done,
                successes=summary.successes + part.successes,
                written=summary.written + part.written,
                steps=summary.steps + part.steps,
                seconds=time.perf_counter() - started,
            )
            if on_progress is not None:
                on_progress(summary)
    return replace(summary, seconds=time.perf_counter() - started)


def _run(
    config: RecordConfig, metadata: Metadata, shares: Sequence[Sequence[int]]
) -> Iterator[RecordSummary]:
    workers = min(_workers(config), len(shares))
    if workers <= 1:
        stage = _Stage(config, metadata)
        try:
            yield from (stage.play(share) for share in shares)
        finally:
            stage.close()
        return
    # Spawned, since a fork would inherit GL contexts and threads.
    with ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _set_up, (config, metadata.to_json())
    ) as pool:
        futures = [pool.submit(_play, share) for share in shares]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise WorkerFailed(
                f"A recording process was killed, perhaps for want of memory. What {config.out} has is whole; "
                "the same command goes on from there."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Stage:
    """Environments and their demonstrator, made once per process."""

    def __init__(self, config: RecordConfig, metadata: Metadata) -> None:
        self._config = config
        self._metadata = metadata
        raw = raw_folder(config.out) if config.raw else None
        self._envs = _make_envs(config, _num_envs(config), raw)

    def play(self, share: Sequence[int]) -> RecordSummary:
        """Run and commit the episodes of these seeds."""
        oracle = make_oracle(self._config.task, self._envs)
        with Recorder(
            self._config.out,
            self._metadata,
            commit_every=len(share),
            keep_interrupted=is_real_time(self._config.workcell),
            successes_only=self._config.successes_only,
            facts=self._simulation_state,
            writer=f"seed-{share[0]:010d}",
        ) as recorder:
            listener: Recorder | _Intended = recorder
            if _is_disturbed(self._config):
                box = self._envs.single_action_space
                assert isinstance(box, spaces.Box)
                random_share = self._config.random_actions
                oracle = add_noise(steadied(oracle), self._config.noise, box, random_share)
                listener = _Intended(recorder, oracle)
            outcome = rollout(self._envs, oracle, share, [listener])
        return RecordSummary(
            out=self._config.out,
            wanted=len(share),
            done=len(share),
            successes=sum(episode.success for episode in outcome.episodes),
            written=recorder.summary.episodes,
            steps=recorder.summary.steps,
        )

    def close(self) -> None:
        self._envs.close()

    def _simulation_state(self, row: int) -> Columns:
        if not isinstance(self._envs, SyncVectorEnv):
            return {}
        workcell = getattr(self._envs.envs[row].unwrapped, "workcell", None)
        simulation = getattr(workcell, "simulation", None)
        return {} if simulation is None else {STATE: np.asarray(simulation.save())}


class _Intended:
    """Tells the recorder what the demonstrator wanted to do; noise makes it do something else."""

    def __init__(self, recorder: Recorder, noisy: Any) -> None:
        self._recorder = recorder
        self._noisy = noisy

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        self._recorder.on_reset(mask, seeds, observation, info)

    def on_step(self, transition: Transition) -> None:
        intended: Float32 = self._noisy.intended
        self._recorder.on_step(replace(transition, action=intended))


_stage: _Stage | None = None
"""This worker process's own."""


def _set_up(config: RecordConfig, metadata: Mapping[str, Any]) -> None:
    global _stage  # a pool's processes have nowhere else to keep what they made
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # after Ctrl-C what runs is finished and committed
    threading.Thread(target=_follow_parent, daemon=True).start()
    _stage = _Stage(config, Metadata.from_json(metadata))


def _follow_parent() -> None:
    """End with the parent process, however that was killed; what was committed stays."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _play(share: Sequence[int]) -> RecordSummary:
    assert _stage is not None
    return _stage.play(share)


def _metadata(config: RecordConfig) -> Metadata:
    """What the data set will say of itself; makes one environment, so a wrong setting is told here."""
    envs = _make_envs(config, 1)
    try:
        oracle = make_oracle(config.task, envs)
        described = describe(
            envs,
            task=config.task,
            workcell=config.workcell,
            demonstrator="oracle",
            source={"program": "record", "noise": config.noise} | _disturbance(config, oracle),
        )
    finally:
        envs.close()
    if "state" in config.observation:
        return described
    shown = {
        name: space for name, space in described.observation_space.spaces.items() if name != "state"
    }
    return replace(described, observation_space=spaces.Dict(shown))


def _is_disturbed(config: RecordConfig) -> bool:
    """Whether actions that are carried out are not those that the demonstrator wanted."""
    return bool(config.noise or config.random_actions)


def _disturbance(config: RecordConfig, oracle: Policy) -> dict[str, float | bool]:
    """What else makes other episodes of the same seeds: random actions, and that the demonstrator took care."""
    drawn = {RANDOM_ACTIONS: config.random_actions} if config.random_actions else {}
    return drawn | (
        {CAREFUL: True} if _is_disturbed(config) and isinstance(oracle, TakesCare) else {}
    )


def _make_envs(
    config: RecordConfig, count: int, raw: Path | None = None
) -> VectorEnv[Any, Any, Any]:
    observation = "state+image" if config.observation == "image" else config.observation
    options: dict[str, Any] = {"observation": observation, **config.options}
    if config.workcell is not None:
        options["workcell"] = config.workcell
    if raw is not None:
        options["raw"] = raw
    # Processes divide the cores among themselves, so each has one thread.
    return make_vec_env(config.task, count, autoreset_mode="disabled", threads=1, **options)


def _vectorised(config: RecordConfig) -> bool:
    return config.task in VECTOR_ENVS and config.observation == "state"


def _workers(config: RecordConfig) -> int:
    return config.workers or (1 if is_real_time(config.workcell) else usable_cores())


def _num_envs(config: RecordConfig) -> int:
    """As many as are chosen, but no more than have an episode: the others would play one over for nothing."""
    if is_real_time(config.workcell):
        return config.num_envs or 1
    chosen = config.num_envs or (256 if _vectorised(config) else 4)
    return min(chosen, _share(config), config.episodes)


def _share(config: RecordConfig) -> int:
    """Many small episodes per commit, or few large ones; never by the number of workers."""
    if config.share:
        return config.share
    if is_real_time(config.workcell):
        return 1  # whatever happens to the arm next, this one is on the disk
    return 512 if _vectorised(config) else 8 if "image" in config.observation else 24


def seeds_there(out: Path, metadata: Metadata) -> tuple[set[int | None], int]:
    """Seeds of the episodes made in this very way that nothing cut off, and how many there are of any."""
    there: set[int | None] = set()
    episodes, making = 0, metadata.making
    for name in segments.segment_names(out)[0]:
        try:
            segment = segments.open_segment(out, name)
        except DatasetCorrupt:
            continue  # a damaged segment's episodes are worth having again
        episodes += len(segment.entries)
        if segment.metadata.making == making:
            there.update(entry.seed for entry in segment.entries if entry.fault is None)
    return there, episodes


def _missing(config: RecordConfig, metadata: Metadata) -> tuple[list[list[int]], RecordSummary]:
    """Shares of the seeds that are still to be run, and what is there already."""
    wanted = range(config.seed, config.seed + config.episodes)
    there, episodes = seeds_there(config.out, metadata)
    size = _share(config)
    cut = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    shares = [[seed for seed in part if seed not in there] for part in cut]
    present = sum(seed in there for seed in wanted)
    summary = RecordSummary(
        out=config.out, wanted=len(wanted), present=present, others=episodes - present
    )
    return [share for share in shares if share], summary
