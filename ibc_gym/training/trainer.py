"""Trains any policy of the registry on recorded demonstrations; knows none by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ibc_gym.checkpoint import SEEDS, as_module
from ibc_gym.contracts import LearnedPolicy
from ibc_gym.data.damage import left_out
from ibc_gym.data.dataset import Dataset
from ibc_gym.data.seed_ranges import as_ranges
from ibc_gym.data.selection import top_episodes
from ibc_gym.errors import CheckpointError, ConfigError
from ibc_gym.loading import load
from ibc_gym.lock import only_writer
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.serialise import to_json
from ibc_gym.tables import POLICIES
from ibc_gym.training.config import TrainConfig, check_resumable
from ibc_gym.training.learner import Learner, own_randomness
from ibc_gym.training.loop import TrainingLoop
from ibc_gym.training.machine import check_threads, pick_device, threads
from ibc_gym.training.records import Listener, TrainingSet, TrainResult
from ibc_gym.training.run_folder import RunFolder, refuse_taken, settings_of
from ibc_gym.training.telemetry import (
    METRICS,
    TENSORBOARD,
    MetricsFile,
    TensorBoardFiles,
    last_loss,
)
from ibc_gym.words import count

_DIGITS = 12
"""Of a fingerprint, so many tell data sets apart to the eye."""
_REACH = 100
"""Lengths of the longest episode that a policy may look back or ahead."""


def train(config: TrainConfig, on_progress: Listener | None = None) -> TrainResult:
    """Train a policy on a recorded data set and leave its checkpoints in `config.out`.

    Args:
        config: The run's settings.
        on_progress: Told how it goes, every `log_every` updates; `telemetry.ConsoleDisplay` is one.

    Raises:
        ConfigError: The folder or a setting does not serve, or another process is training in the folder.
        SpecMismatch: The policy takes inputs that the data do not have.
        TrainingDiverged: A number became NaN or exploded; the checkpoints so far stay.
    """
    config = with_policy_config(config)
    return train_on(config, load_training_set(config), on_progress)


def check_ready(config: TrainConfig) -> None:
    """Find out, before any data are read, what can be known to go wrong.

    Raises:
        ConfigError: The folder holds a run that is not to be resumed, or data; or there is no such device, or too few
            processors for the threads.
    """
    with_policy_config(config)
    pick_device(config.device)
    check_threads(config.threads)
    refuse_taken(config.out, resume=config.resume)


def load_training_set(config: TrainConfig) -> TrainingSet:
    """Open the recorded data and cut the windows that the policy takes, split by episode.

    The policy is made and fitted on the way, to see that it can be: nothing of the run is written yet.

    Raises:
        ConfigError: There is no data set, or it has too few episodes, or none has a return to be chosen by; or there is
            no policy of these settings, or it looks farther than the longest episode goes.
        SpecMismatch: The policy takes other data.
        UnknownName: No frame is called that.
        DatasetCorrupt: Some of it is damaged, unless the config says to leave that out.
    """
    policy_config = with_policy_config(config).policy_config
    dataset = Dataset.open(config.data, skip_damaged=config.skip_damaged)
    kept = top_episodes(dataset, config.keep_top)
    try:
        training, held_out = dataset.select(kept).split(
            config.validation_fraction, np.random.default_rng(config.seed)
        )
    except ConfigError as error:
        said = [str(error)]
        if len(kept) < len(dataset):
            said.append(
                f"It has {count(len(dataset), 'episode')}, but learned from are only those that no error cut off, "
                f"and of these the best {config.keep_top:.3g} (--keep-top)."
            )
        if dataset.damaged:
            said.append(f"{left_out(dataset.damaged)} `ibc-gym data verify` says what is wrong.")
        raise ConfigError(" ".join(said)) from error
    _check_reach(policy_config, int(dataset.lengths[kept[training]].max()))
    with own_randomness(config.seed, torch.device("cpu")):
        policy = make_policy(config.policy, dataset.spec, policy_config)
    names = policy_config.inputs
    seeds = np.array([entry.seed for entry in dataset.entries], dtype=object)
    windows = dataset.windows(policy_config.history, kept[training], names)
    if len(windows):
        policy.fit(_longest_episode(windows))
    return TrainingSet(
        spec=dataset.spec,
        training=windows,
        validation=dataset.windows(policy_config.history, kept[held_out], names)
        if len(held_out)
        else None,
        fingerprint=dataset.fingerprint,
        seeds=as_ranges(each for each in seeds[kept] if each is not None),
        damaged=dataset.damaged,
    )


def train_on(
    config: TrainConfig,
    data: TrainingSet,
    on_progress: Listener | None = None,
    *,
    clock: Callable[[], float] = time.process_time,
) -> TrainResult:
    """Train a policy on windows that are already there.

    Args:
        config: The run's settings; `data` and `validation_fraction` are not read.
        data: The windows.
        on_progress: As for `train`.
        clock: CPU time of the process [s].

    Raises:
        ConfigError: The folder or a setting does not serve, or another process is training in the folder.
        TrainingDiverged: As for `train`.
    """
    config = with_policy_config(config)
    if not len(data.training):
        raise ConfigError(f"{config.data} has no windows to train on; record demonstrations first.")
    device = pick_device(config.device)
    check_threads(config.threads)
    refuse_taken(config.out, resume=config.resume)
    with ExitStack() as stack:
        stack.enter_context(only_writer(config.out, "training"))
        folder = RunFolder.begin(config.out, resume=config.resume)
        stack.enter_context(threads(config.threads))
        stack.enter_context(own_randomness(config.seed, device))
        loop = _prepare(config, data, folder, device, stack, on_progress, clock)
        loop.run()
    return TrainResult(
        out=config.out,
        checkpoint=(folder.checkpoints / "best").resolve(),
        steps=loop.learner.steps,
        best_step=loop.choice.step,
        action_error=loop.choice.error,
        loss=loop.loss,
        rollbacks=loop.health.rollbacks,
        seconds=loop.seconds,
        cpu_seconds=loop.cpu_seconds,
    )


def with_policy_config(config: TrainConfig) -> TrainConfig:
    """The same settings with the policy's own spelled out.

    Raises:
        UnknownName: No policy is called that.
        ConfigError: The policy's settings are another policy's.
    """
    wanted = load(POLICIES, config.policy, "policy").Config
    if config.policy_config is None:
        return replace(config, policy_config=wanted())
    if not isinstance(config.policy_config, wanted):
        raise ConfigError(
            f"Policy {config.policy!r} takes a {wanted.__name__}, "
            f"not a {type(config.policy_config).__name__}."
        )
    return config


def _check_reach(policy_config: Any, longest: int) -> None:
    """See that no policy is made that looks back or ahead by many times the steps that an episode has at most.

    A few times as far is harmless: the first frame and the last action are repeated.

    Raises:
        ConfigError: It does.
    """
    for name, what in (("history", "frames"), ("horizon", "actions")):
        wanted = getattr(policy_config, name, 1)  # a policy of somebody else's may know no chunks
        if wanted > _REACH * longest:
            raise ConfigError(
                f"{type(policy_config).__name__}.{name} is {wanted} {what}, but the longest episode has {longest}: "
                f"the rest would be copies of its {'first' if name == 'history' else 'last'} one. Choose fewer."
            )


def _longest_episode(windows: Windows) -> Windows:
    """The windows of one episode, enough to see whether a policy can be fitted to them."""
    rows = windows.episode == np.bincount(windows.episode).argmax()
    return replace(
        windows,
        index=windows.index[rows],
        action=windows.action[rows],
        episode=windows.episode[rows],
    )


def _prepare(
    config: TrainConfig,
    data: TrainingSet,
    folder: RunFolder,
    device: torch.device,
    stack: ExitStack,
    on_progress: Listener | None,
    clock: Callable[[], float],
) -> TrainingLoop:
    """Make policy, learner and listeners, and bring them to where the run stands."""
    settings = to_json(config)
    newest = folder.newest() if config.resume else None
    state, tensors = folder.read(newest) if newest else (None, {})
    after = 0
    if newest and state:
        _check_same_run(config, data.fingerprint, state.fingerprint, newest)
        folder.link(state)
        after = state.step
    records: list[Listener] = [stack.enter_context(MetricsFile(config.out / METRICS, after=after))]
    if config.tensorboard:
        records.append(stack.enter_context(TensorBoardFiles(config.out / TENSORBOARD, after=after)))
    torch.optim.AdamW([torch.zeros(1)])  # PyTorch's first optimiser loads a second's worth of code
    started = clock()
    fitted, weights = folder.read_policy(newest) if newest else (None, {})
    policy, average = _policies(config, data, device, fitted)
    loop = TrainingLoop(
        config,
        Learner(config, policy, average, policy.encode(data.training).to(device), device),
        policy.encode(data.validation).to(device) if data.validation else None,
        folder,
        train_config=settings,
        about={
            "dataset": data.fingerprint,
            "training_windows": len(data.training),
            **({SEEDS: data.seeds} if data.seeds else {}),
        },
        fingerprint=data.fingerprint,
        records=records,
        on_progress=on_progress,
        clock=clock,
        started=started,
    )
    if newest and state:
        as_module(average).load_state_dict(weights)
        known = last_loss(config.out / METRICS) if state.loss is None else state.loss
        loop.resume(replace(state, loss=known), tensors)
    return loop


def _policies(
    config: TrainConfig, data: TrainingSet, device: torch.device, fitted: Mapping[str, Any] | None
) -> tuple[LearnedPolicy, LearnedPolicy]:
    """The policy to be descended, and its twin of averaged weights (the same one without averaging or weights).

    A run that goes on takes what it `fitted` when it began: its weights are of use with those normalisers alone, whatever a later
    version makes of the same demonstrations.
    """
    policy = make_policy(config.policy, data.spec, config.policy_config)
    if fitted is None:
        policy.fit(data.training)
    else:
        policy.load_fitted(fitted)
    as_module(policy).to(device)
    if config.average_decay is None or not list(as_module(policy).parameters()):
        return policy, policy
    with own_randomness(config.seed, device):  # the twin's own first weights shift no stream
        average = make_policy(config.policy, data.spec, config.policy_config)
    average.load_fitted(policy.fitted())
    twin = as_module(average)
    twin.load_state_dict(as_module(policy).state_dict())
    twin.to(device).requires_grad_(False)
    return policy, average


def _check_same_run(config: TrainConfig, ours: str, theirs: str, checkpoint: Path) -> None:
    if ours != theirs:
        raise CheckpointError(
            f"{checkpoint} was trained on other data (fingerprint {theirs[:_DIGITS]}, now {ours[:_DIGITS]}). "
            "Resume with the data that the run began with, or train into another folder."
        )
    plain = type(config.policy_config)()
    usual = TrainConfig(data=config.data, out=config.out, policy_config=plain)
    check_resumable(to_json(config), settings_of(checkpoint), to_json(usual))
