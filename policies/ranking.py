"""An implicit policy that ranks few candidates: a mixture says what might be done, an energy says which is best.

Among tens of dimensions no search finds the least energetic action of all. But what people or scripts do is one of a few
things, and the means of a mixture density network, which learns beside the energy by likelihood, name them. The energy
learns to tell the demonstrated action from these very candidates, which are the ones it ranks when acting; so no density
needs to be corrected for. Away from them it is not trained: it is an energy over a learned finite set.

With a prior the mixture's log density is a part of the energy, and what is learned beside it is the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ibc_gym.checks import owner, require_at_least, require_not_negative, require_temperature
from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError

from .base import Batch, check_finite
from .implicit import ImplicitPolicy
from .inputs import InputConfig
from .mixture import Mixture
from .networks.factory import LateFusionConfig, late_fusion_network
from .noise import Noise, SharedNoise
from .optimisers.box import Search

_OUT_OF_THE_QUESTION = 20.0
"""Energy above the least, in temperatures, at which a candidate is neither taken nor drawn nor in doubt: e⁻²⁰ of its weight."""


@dataclass(frozen=True, kw_only=True)
class RankingConfig(InputConfig):
    """A mixture that proposes and an energy that chooses."""

    late_fusion: LateFusionConfig = field(
        default_factory=lambda: LateFusionConfig(depth=2, value_width=128)
    )
    """Sizes of the network; the mixture is said by the encoder's last layer."""
    components: int = 4
    """Candidates per observation."""
    scale_floor: float = 0.37
    """Least standard deviation of a component [normalised action units].

    A wide one leaves gradient for which component to take; the means stay exact, since a mean does not depend on it.
    """
    mean_spread: float = 0.3
    """Deviation of the biases that the components' means begin with."""
    jitter: float = 0.2
    """Deviation of what is added to candidates and demonstration in training, so that the energy is no comb of spikes."""
    same: float = 5e-4
    """Mean squared distance per dimension within which a candidate is the demonstration, and no counter-example."""
    least_share: float = 1e-3
    """Candidates of less weight in the mixture are out of the question when acting, whatever their energy; 0 ranks all."""
    temperature: float = 1.0
    """Of the softmax in the loss."""
    prior: float = 0.0
    """Factor of the mixture's log density, which is a part of the energy, then: 0 lets the network say all of it, with 1 the
    network says only what the mixture has wrong (a residual energy: Deng et al. 2020)."""

    pick: Literal["argmin", "sample"] = "argmin"
    """The least energetic candidate; or one drawn by weight, moved by as much as in training (`jitter`): where the best
    answer of a moment leads back to where it was, or nowhere, one that is drawn gets away."""
    acting_temperature: float = 1.0
    """Of the softmax over -E that a candidate is drawn by."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "components")
        require_temperature(self, "temperature", "acting_temperature")
        require_not_negative(self, "scale_floor", "mean_spread", "jitter", "same", "prior")
        if not 0 <= self.least_share < 1 / self.components:
            raise ConfigError(
                f"{owner(self)}.least_share is {self.least_share}, but must be in [0, 1 / components), or no "
                "candidate might be left."
            )


class Ranking(ImplicitPolicy):
    """Energies of the means of a mixture; the least energetic one is taken."""

    Config: ClassVar[type[InputConfig]] = RankingConfig

    def __init__(
        self, config: RankingConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._ranking = config
        codec, size = self._codec, self.action_size
        self.network = late_fusion_network(
            config.late_fusion, codec.feature_size, codec.picture_shapes, size
        )
        self.mixture = nn.Linear(self.network.encoder.outputs, config.components * (2 * size + 1))
        means = self.mixture.bias[: config.components * size]
        with torch.no_grad():
            means.add_(config.mean_spread * torch.randn_like(means))

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Negative log likelihood of the mixture, and the contrast of the demonstration to its means.

        Raises:
            TrainingDiverged: A likelihood or an energy is not finite; it says where that began.
        """
        batch = self._augmented(batch, generator)
        noise = SharedNoise(generator, self.device)
        encoded = self.network.encoder(self._prepared(batch))
        mixture = self._mixture(encoded)
        log_density = mixture.log_density(batch["action"])
        check_finite("likelihood", log_density, batch, self)
        contrast, seen = self._contrast(encoded, mixture.detached(), batch, noise)
        likelihood = -log_density.mean()
        self._passed()
        parts = {
            "negative_log_likelihood": likelihood.detach(),
            "info_nce": contrast.detach(),
            **seen,
        }
        return likelihood + contrast, parts

    def _contrast(
        self, encoded: Tensor, mixture: Mixture, batch: Batch, noise: Noise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of the demonstration among the candidates that are not the same; how far above it they are, and how
        often it is least.
        """
        demonstrated = batch["action"][:, None]
        same = (mixture.means - demonstrated).square().mean(dim=2) < self._ranking.same
        candidates = torch.cat([demonstrated, mixture.means], dim=1)
        jitter = noise.normal(len(candidates), *candidates.shape[1:])
        energies = self.network(
            self.network.fuse_with(encoded), candidates + self._ranking.jitter * jitter
        )
        energies = self._with_prior(energies, mixture, candidates)
        check_finite("energy", energies, batch, self)
        others = energies[:, 1:].masked_fill(same, torch.inf)
        logits = -torch.cat([energies[:, :1], others], dim=1)
        first = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        with torch.no_grad():
            above = (energies[:, 1:] - energies[:, :1]).masked_fill(same, 0)
            seen = {
                "energy_gap": above.sum() / (~same).sum().clamp_min(1),
                "accuracy": (energies[:, 0] < others.amin(dim=1)).float().mean(),
            }
        return F.cross_entropy(logits / self._ranking.temperature, first), seen

    def _with_prior(self, energies: Tensor, mixture: Mixture, candidates: Tensor) -> Tensor:
        """Energies (B, N) of candidates (B, N, A), the mixture's share in them."""
        if not self._ranking.prior:
            return energies
        return energies - self._ranking.prior * mixture.log_densities(candidates)

    def _mixture(self, encoded: Tensor) -> Mixture:
        return Mixture.of(
            self.mixture(encoded),
            self._ranking.components,
            scale_floor=self._ranking.scale_floor,
        )

    def _context_of(self, inputs: Batch) -> Tensor:
        encoded: Tensor = self.network.encoder(inputs)
        return encoded

    def _judge(self, context: Tensor, actions: Tensor) -> Tensor:
        with torch.no_grad():
            return self._energies(context, self._mixture(context), actions)

    def _energies(self, context: Tensor, mixture: Mixture, actions: Tensor) -> Tensor:
        energies = self.network.judge(self.network.fuse_with(context), actions)
        return self._checked(self._with_prior(energies, mixture, actions))

    def _search(self, context: Tensor, noise: Noise, *, validating: bool) -> Search:
        with torch.no_grad():
            mixture = self._mixture(context)
            candidates = self.box.clip(mixture.means)
            energies = self._energies(context, mixture, candidates)
        unlikely = mixture.log_weights.exp() < self._ranking.least_share
        least = energies.masked_fill(unlikely, torch.inf).amin(dim=1, keepdim=True)
        raised = torch.maximum(energies, least + self._least_excess)
        return Search(candidates, torch.where(unlikely, raised, energies))

    @property
    def _least_excess(self) -> float:
        """That of what is no candidate, or an unlikely one: it is out of the question."""
        highest = max(self._ranking.temperature, self._ranking.acting_temperature)
        return _OUT_OF_THE_QUESTION * highest

    def _alternatives(self, context: Tensor, found: Search) -> Search:
        """The candidates themselves: of what lies between them the energy knows nothing."""
        return found

    def _pick(self, found: Search, noise: Noise) -> Tensor:
        if self._ranking.pick == "argmin":
            return found.least()
        drawn = found.draw(noise, self._ranking.acting_temperature)
        return self.box.clip(drawn + self._ranking.jitter * noise.normal(*drawn.shape))
