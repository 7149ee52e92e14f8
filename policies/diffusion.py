"""Diffusion Policy: an action is noise that a network has cleaned, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ibc_gym.checks import owner, require_share
from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError

from .denoising import ddim, squared_cosine
from .generative import Field, GenerativeConfig, GenerativePolicy
from .inputs import InputConfig
from .noise import Noise


@dataclass(frozen=True, kw_only=True)
class DiffusionConfig(GenerativeConfig):
    """A policy that denoises chunks of actions."""

    noise_steps: int = 100
    """Steps of the schedule, as published."""
    denoising_steps: int = 16
    """How many of them are made when acting."""
    eta: float = 0.0
    """Fresh noise in every step when acting; 0 is DDIM, 1 with all steps the ancestral sampling of DDPM."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.denoising_steps <= self.noise_steps:
            raise ConfigError(
                f"{owner(self)}.denoising_steps is {self.denoising_steps} and noise_steps {self.noise_steps}, but "
                "of the schedule's steps at least 2 are made, and at most all."
            )
        require_share(self, "eta")


class Diffusion(GenerativePolicy):
    """Diffusion Policy (Chi et al. 2023), with the encoders of the implicit policy and a dense network over chunks.

    The network is taught to say which noise was put on a demonstration (Ho, Jain and Abbeel 2020, *Denoising Diffusion
    Probabilistic Models*, eq. 14), by the squared-cosine schedule; acting takes a few implicit steps (`denoising.ddim`).
    """

    Config: ClassVar[type[InputConfig]] = DiffusionConfig

    def __init__(
        self, config: DiffusionConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._diffusion = config
        self._shares = squared_cosine(config.noise_steps)
        self._schedule: list[float] = self._shares.tolist()

    def _noised(
        self, demonstrated: Tensor, start: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor, Tensor]:
        steps = self._diffusion.noise_steps
        rows, draws, _ = demonstrated.shape
        step = (noise.uniform(rows, draws) * steps).long().clamp_max(steps - 1)
        share = self._shares.to(step.device)[step].float()[..., None]
        noisy = share.sqrt() * demonstrated + (1 - share).sqrt() * start
        return noisy, step / steps, start

    def _follow(self, field: Field, start: Tensor, noise: Noise) -> Tensor:
        config = self._diffusion
        return ddim(
            lambda actions, step: field(actions, step / config.noise_steps),
            start,
            self.box,
            noise,
            kept=self._schedule,
            steps=config.denoising_steps,
            eta=config.eta,
        )
