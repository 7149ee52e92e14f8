"""Axes none of which is special: what happens along one may happen along any other, and the other way round.

Windows are changed accordingly in training (data augmentation by the signed permutations of the axes), and what is fitted
is fitted to all these images of the data, so that every axis has the same units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from ibc_gym.checks import owner
from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.normalise import Normaliser
from ibc_gym.records import Float32

from .inputs import InputConfig, input_shape

MOVED = ("features", "action")
"""What of a batch is made of vectors."""


def check_axes(config: InputConfig, spec: PolicySpec) -> None:
    """Raise unless state and actions are made of vectors as `axis_centres` says.

    Raises:
        SpecMismatch: The state is not as many vectors of the action's length, or its limits have other middles.
        ConfigError: Limits are not the same along all axes.
    """
    said, (size,) = config.axis_centres, spec.action_space.shape
    (length,) = input_shape(spec, "state")
    state = cast("spaces.Box", spec.observation_space["state"])
    middles = None if length % size else _middles(state, length // size)
    if middles is not None and np.isfinite(middles).all():
        instead = f"Give {' '.join(f'{each:.4g}' for each in middles)}, the middles of its limits"
    else:
        instead = "Give the middle of each"
    instead += ", or no number at all, so that axes are not exchanged."
    if length != len(said) * size:
        raise SpecMismatch(
            f"{owner(config)}.axis_centres has {len(said)} numbers, one for each vector of {size} that the state is made of, but "
            f"the state of {spec.task!r} has {length} numbers. {instead}"
        )
    of_action = _middles(spec.action_space, 1)
    if of_action is None or middles is None:
        raise ConfigError(
            f"{owner(config)}.axis_centres is set, but the limits of actions or states of {spec.task!r} are not the same along all "
            "axes, so that what happens along one may not happen along another."
        )
    if not np.isfinite(of_action).all():
        raise ConfigError(
            f"{owner(config)}.axis_centres is set, but actions of {spec.task!r} have no limits, so that nobody knows their centre."
        )
    # Where there are no limits nothing is known: NaN is not above anything.
    if (np.abs(middles - np.array(said)) > 1e-3).any():
        raise SpecMismatch(
            f"{owner(config)}.axis_centres is {said}, but the state of {spec.task!r} has its middles elsewhere. {instead}"
        )


def _middles(space: spaces.Box, count: int) -> Float32 | None:
    """Of the limits of so many vectors, (count,), NaN of those without; None if they are not the same along all axes."""
    low, high = (limit.reshape(count, -1) for limit in (space.low, space.high))
    if not ((low == low[:, :1]).all() and (high == high[:, :1]).all()):
        return None
    limits = np.stack([low[:, 0], high[:, 0]])
    limits[:, ~np.isfinite(limits).all(axis=0)] = np.nan
    middles: Float32 = limits.mean(axis=0, dtype=np.float32)
    return middles


def images(values: Float32, centres: Sequence[float]) -> Float32:
    """Every component of K vectors along A axes (M, K A), and what it is in the mirror of its centre: (2 M A, K)."""
    vectors = values.reshape(len(values), len(centres), -1)
    along_any = vectors.swapaxes(1, 2).reshape(-1, len(centres))
    mirrored = 2 * np.array(centres, np.float32) - along_any
    return np.concatenate([along_any, mirrored], dtype=np.float32)


def for_all_axes(fitted: Normaliser, size: int) -> Normaliser:
    """What was fitted to `images`, (K,), for vectors along so many axes, (K A,)."""
    offset, scale = fitted.offset.repeat(size), fitted.scale.repeat(size)
    return Normaliser(offset=offset, scale=scale, knee=fitted.knee)


def fitted_alike(
    fit: Callable[[Float32], Normaliser], values: Float32, centres: Sequence[float]
) -> Normaliser:
    """What is fitted to vectors (M, K A), the same along each of A axes; the centres of vectors become 0."""
    return for_all_axes(fit(images(values, centres)), values.shape[1] // len(centres))


def exchanged(
    batch: Mapping[str, Tensor], size: int, generator: torch.Generator
) -> Mapping[str, Tensor]:
    """The batch, the axes of each window in another order and each of them turned round with probability 1/2.

    Args:
        batch: "features" (B, T K A) and "action" (B, H A), in units that are the same along all axes.
        size: How many axes there are, A.
        generator: Source of chance.
    """
    shape = (len(batch["action"]), size)
    order = torch.rand(shape, generator=generator, device=generator.device).argsort(dim=1)
    turned = torch.rand(shape, generator=generator, device=generator.device) < 0.5
    found = dict(batch)
    for name in MOVED:
        values = batch[name].reshape(len(order), -1, size)
        there = order.to(values.device)[:, None].expand_as(values)
        sign = 1 - 2 * turned.to(values.device, values.dtype)[:, None]
        found[name] = (values.gather(2, there) * sign).reshape(batch[name].shape)
    return found
