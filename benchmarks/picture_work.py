"""One update of a policy that sees pictures, by the library and by the plain reference; a part of `same_work.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

import numpy as np
import torch
from gymnasium import spaces

from benchmarks.reference import implicit as reference
from benchmarks.reference.pictures import PictureEnergy, channels_of
from ibc_gym.contracts import PolicySpec
from ibc_gym.loading import load
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.tables import PRESETS

SIZE: Final = (60, 80)
"""Rows and columns of the pictures."""
FRAMES: Final = 256
ACTIONS: Final = 2


def with_means(config: EBMConfig, size: tuple[int, int]) -> EBMConfig:
    """The same policy with the published small encoder: two whole pictures of that size, and the mean of every map."""
    encoder = replace(config.late_fusion, flatten=False, trunk_depth=0)
    whole: dict[str, Any] = {"image_size": size, "image_crop": None, "image_shift": 0}
    return replace(config, history=2, late_fusion=encoder, **whole)


def descend_in_parts(
    policy: EBM, batch: Mapping[str, torch.Tensor], at_once: int, generator: torch.Generator
) -> None:
    """Add up the gradients of a batch of so many windows at a time, as the trainer does."""
    size = len(batch["action"])
    for first in range(0, size, at_once):
        part = {name: rows[first : first + at_once] for name, rows in batch.items()}
        loss, _ = policy.loss(part, generator)
        (loss * (at_once / size)).backward()


class PictureBench:
    """A policy of the library that sees pictures, and the reference with its weights."""

    def __init__(self, preset: str) -> None:
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        found = load(PRESETS, preset, "preset")
        self.config = with_means(cast("EBMConfig", found.config), SIZE)
        self.batch_size = found.training.batch_size
        self.at_once = found.training.micro_batch or self.batch_size
        spec = PolicySpec(
            task="bench",
            observation_space=spaces.Dict({"image": spaces.Box(0, 255, (*SIZE, 3), np.uint8)}),
            action_space=spaces.Box(-1, 1, (ACTIONS,)),
            control_period=0.1,
        )
        windows = Windows(
            frames={"image": rng.integers(0, 256, (FRAMES, *SIZE, 3), np.uint8)},
            index=np.stack([np.arange(FRAMES)] * 2, axis=1),
            action=rng.uniform(-1, 1, (FRAMES, ACTIONS)).astype(np.float32),
            episode=np.zeros(FRAMES, np.int64),
        )
        self.policy = cast("EBM", make_policy(found.policy, spec, self.config))
        self.policy.fit(windows)
        self.batch = self.policy.encode(windows).batch(torch.arange(self.batch_size))
        self.plain = self._same_network()
        self.generator = torch.Generator().manual_seed(0)

    def training(self) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """One update by the library and one by the reference, with as many counter-examples."""
        ours = torch.optim.Adam(self.policy.parameters(), lr=1e-9)
        theirs = torch.optim.Adam(self.plain.parameters(), lr=1e-9)
        counts = self.config.negatives.resolved(self.config.optimiser)
        mean, std = (
            cast("torch.Tensor", getattr(self.policy, f"{name}_0")) for name in ("mean", "std")
        )
        box = self.policy.box

        def library() -> None:
            ours.zero_grad()
            descend_in_parts(self.policy, self.batch, self.at_once, self.generator)
            ours.step()

        def plain() -> None:
            unit = torch.rand(
                self.batch_size, counts.uniform + counts.anchored, ACTIONS, generator=self.generator
            )
            theirs.zero_grad()
            pictures = channels_of(self.batch["image"], mean, std)
            negatives = box.low + unit * (box.high - box.low)
            reference.info_nce(self.plain, pictures, self.batch["action"], negatives).backward()
            theirs.step()

        return library, plain

    def _same_network(self) -> PictureEnergy:
        sizes, network = self.config.late_fusion, self.policy.network
        inputs = self.config.history * 3
        plain = PictureEnergy(inputs, sizes.channels, ACTIONS, sizes.value_width)
        (encoder,) = network.encoder.pictures
        plain.load_state_dict({**encoder.state_dict(), **network.value.state_dict()})
        return plain
