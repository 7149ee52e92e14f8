"""What training changes of a batch at random: a mirror image, other axes, noise on features, pictures that are moved."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .axes import exchanged
from .codec import Codec
from .images import shifted


def augmented(
    batch: Mapping[str, Tensor], codec: Codec, generator: torch.Generator
) -> Mapping[str, Tensor]:
    """The batch, as the codec's config says: half of its windows mirrored, axes exchanged, with noise, pictures moved."""
    for change in (_mirrored, _exchanged, _noisy, _shifted):
        batch = change(batch, codec, generator)
    return batch


def _mirrored(
    batch: Mapping[str, Tensor], codec: Codec, generator: torch.Generator
) -> Mapping[str, Tensor]:
    frame = codec.frame
    if not codec.config.mirror or frame is None:
        return batch
    mirrored = torch.rand(len(batch["action"]), generator=generator, device=generator.device) < 0.5
    found = dict(batch)
    for name, odd in (("features", frame.odd_features), ("action", codec.odd_actions)):
        values = batch[name].clone()
        sign = 1 - 2 * mirrored.to(values.device, values.dtype)[:, None]
        values[:, list(odd)] *= sign
        found[name] = values
    return found


def _exchanged(
    batch: Mapping[str, Tensor], codec: Codec, generator: torch.Generator
) -> Mapping[str, Tensor]:
    if not codec.config.axis_centres:
        return batch
    return exchanged(batch, codec.axes, generator)


def _noisy(
    batch: Mapping[str, Tensor], codec: Codec, generator: torch.Generator
) -> Mapping[str, Tensor]:
    spread = codec.config.observation_noise
    if not spread or "features" not in batch:
        return batch
    features = batch["features"]
    noise = torch.randn(features.shape, generator=generator, device=generator.device)
    return {**batch, "features": features + spread * noise.to(features.device)}


def _shifted(
    batch: Mapping[str, Tensor], codec: Codec, generator: torch.Generator
) -> Mapping[str, Tensor]:
    most = codec.config.image_shift
    if not most:
        return batch
    moved = {name: shifted(batch[name], most, generator) for name in codec.config.image_inputs}
    return {**batch, **moved}
