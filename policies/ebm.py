"""The implicit policy: an energy of (observation, action), whose least energetic action is taken."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor
from torch.func import functional_call

from ibc_gym.contracts import CanonicalFrame, PolicySpec

from .anchored import anchored
from .base import Batch, check_finite, evaluating
from .ebm_config import EBMConfig
from .implicit import ImplicitPolicy
from .inputs import InputConfig
from .losses import chain_divergence, contrast, gradient_penalty, ranking_nce
from .negatives import Counts
from .networks.energy import EnergyNetwork
from .networks.factory import joint_network, late_fusion_network
from .noise import Noise, SharedNoise
from .optimisers import dfo, langevin
from .optimisers.box import Search
from .optimisers.pick import pick
from .proposal import Density, Proposal

__all__ = ["EBM", "EBMConfig"]


@dataclass(frozen=True, eq=False)
class _CounterExamples:
    """Actions that were not demonstrated, and where they come from."""

    groups: Mapping[str, Tensor]
    """By the name of their loss, each (B, N, A), detached; of one group at least N is not 0."""
    passed: Tensor | None
    """Points that Langevin chains passed on the way, (B, M, A), if the penalty is on them too."""
    ends: Tensor | None
    """Ends of Langevin chains that carry a gradient, (B, L, A), for "cd_kl"."""


class EBM(ImplicitPolicy):
    """An implicit policy (Florence et al. 2021): contrastive training, acting by optimisation."""

    Config: ClassVar[type[InputConfig]] = EBMConfig

    def __init__(
        self, config: EBMConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._ebm = config
        self.exact = False
        """Whether searches are in float32 altogether, whatever the config says: as those of an exported policy are."""
        self._counts: Counts = config.negatives.resolved(config.optimiser)
        self._share = config.joint.dropout if config.network == "joint" else 0.0
        codec = self._codec
        self.network: EnergyNetwork = (
            joint_network(config.joint, codec.feature_size, self.action_size)
            if config.network == "joint"
            else late_fusion_network(
                config.late_fusion, codec.feature_size, codec.picture_shapes, self.action_size
            )
        )
        self.proposal: Proposal | None = None
        if self._counts.proposal or config.proposal.starts:
            width = self.network.value.projection.out_features
            self.proposal = Proposal(config.proposal, width, self.action_size)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The contrast to every group of counter-examples, and the gradient penalty.

        Args:
            batch: As `TensorWindows.batch` gives it.
            generator: Source of the counter-examples.

        Raises:
            TrainingDiverged: An energy or its slope is not finite; it says where that began.
        """
        batch = self._augmented(batch, generator)
        noise = SharedNoise(generator, self.device)
        demonstrated = batch["action"][:, None]
        context = self.network.encode(self._prepared(batch))
        density = self._proposed(context)
        against = self._counter_examples(context, batch, noise, density)
        candidates = torch.cat([demonstrated, *against.groups.values()], dim=1).detach()
        with self._dropout(self._share, generator):
            energies = self.network(context, candidates)  # (B, 1 + N), the demonstration first
        check_finite("energy", energies, batch, self)
        losses, parts = self._contrasts(energies, candidates, against, density)
        if against.ends is not None:
            losses["chain_divergence"] = self._chain_divergence(context, against.ends)
        if density is not None:
            likelihood = density.log_density(demonstrated)
            check_finite("density of the proposal", likelihood, batch, self)
            losses["proposal"] = -likelihood.mean()
        total = torch.stack(tuple(losses.values())).sum()
        parts = {**{name: loss.detach() for name, loss in losses.items()}, **parts}
        if weight := self._ebm.penalty_weight:
            points = self._penalised(candidates, against)
            gradients = self.network.action_gradient(context, points)
            check_finite("slope of the energy", gradients, batch, self)
            penalty = gradient_penalty(
                gradients,
                margin=self._ebm.gradient_penalty.margin,
                norm=self._ebm.gradient_penalty.norm,
            )
            total = total + weight * penalty
            parts["gradient_penalty"] = penalty.detach()
            parts["gradient_norm"] = gradients.detach().abs().amax(dim=-1).mean()
        self._passed()
        return total, parts

    def _context_of(self, inputs: Batch) -> Tensor:
        return self.network.encode(inputs)

    def _judge(self, context: Tensor, actions: Tensor) -> Tensor:
        return self._checked(self.network.judge(context, actions))

    def _pick(self, found: Search, noise: Noise) -> Tensor:
        if self._ebm.optimiser == "dfo":
            return pick(found, noise, self._ebm.dfo, self._ebm.dfo.temperature)
        return pick(found, noise, self._ebm.langevin, self._ebm.temperature)

    def _search(self, context: Tensor, noise: Noise, *, validating: bool) -> Search:
        config = self._ebm.dfo if self._ebm.optimiser == "dfo" else self._ebm.langevin
        samples = config.validation_samples if validating else config.samples
        start = None
        if self._ebm.proposal.starts and (density := self._proposed(context)) is not None:
            start = self.box.clip(density.sample(noise, samples))
        if self._ebm.optimiser == "dfo":
            return self._dfo(context, noise, samples, start=start)
        ends = langevin.walk_all(
            self._slope,
            context,
            self.box,
            noise,
            langevin.inference_chains(self._ebm.langevin),
            samples=samples,
            limits=langevin.clips(self._ebm.langevin),
            start=start,
        ).ends
        return Search(ends, self._judge(context, ends))

    def _dfo(
        self,
        context: Tensor,
        noise: Noise,
        samples: int,
        *,
        start: Tensor | None = None,
        batch: Batch | None = None,
    ) -> Search:
        def energy(actions: Tensor, *, bfloat16: bool = False) -> Tensor:
            judged = self.network.judge(context, actions, bfloat16=bfloat16)
            return self._checked(judged, batch)

        half = self._ebm.dfo.bfloat16 and not self.exact
        return dfo.search(
            energy,
            self.box,
            noise,
            self._ebm.dfo,
            rows=len(context),
            samples=samples,
            start=start,
            rough=partial(energy, bfloat16=True) if half else None,
        )

    def _proposed(self, context: Tensor) -> Density | None:
        """The proposal's density; it is trained beside the energy, whose encoder it leaves alone."""
        return None if self.proposal is None else self.proposal(context.detach(), self.box)

    def _counter_examples(
        self, context: Tensor, batch: Batch, noise: Noise, density: Density | None
    ) -> _CounterExamples:
        """Fresh ones for the demonstrated actions of a batch."""
        demonstrated = batch["action"]
        counts, rows = self._counts, len(demonstrated)
        pooled = [self.box.sample(noise, rows, counts.uniform)]
        passed = ends = None
        with evaluating(self):
            if counts.langevin:
                walked = self._chains(context, noise)
                passed, ends = walked.passed, walked.ends if self._ebm.loss == "cd_kl" else None
                pooled.append(walked.ends.detach())
            if counts.dfo:
                with torch.no_grad():
                    found = self._dfo(context.detach(), noise, counts.dfo, batch=batch)
                pooled.append(dfo.counter_examples(found, noise, self._ebm.dfo))
        near = self._ebm.negatives
        groups = {
            self._ebm.loss: torch.cat(pooled, dim=1),
            f"{self._ebm.loss}_anchored": anchored(
                demonstrated,
                counts.anchored,
                noise,
                near.anchor_scale,
                scales=near.anchor_scales,
                unit=self.box.high - self.box.low if near.anchor_unit == "box" else None,
                within=self.box if near.anchor_edge == "reflect" else None,
            ),
        }
        if density is not None:
            groups["ranking_nce"] = density.sample(noise, counts.proposal)
        return _CounterExamples(groups, passed, ends)

    def _chains(self, context: Tensor, noise: Noise) -> langevin.Walk:
        """Langevin chains that end at counter-examples; a gradient passes through them for "cd_kl" alone."""
        through = self._ebm.loss == "cd_kl"
        with nullcontext() if through else torch.no_grad():
            return langevin.walk_all(
                self._slope,
                context if through else context.detach(),
                self.box,
                noise,
                (langevin.training_chain(self._ebm.langevin),),
                samples=self._counts.langevin,
                limits=langevin.clips(self._ebm.langevin),
                keep_passed=self._ebm.gradient_penalty.points == "all",
                through=through,
            )

    def _slope(self, context: Tensor, actions: Tensor) -> Tensor:
        """∂E/∂a, as chains take it."""
        half = self._ebm.langevin.bfloat16 and not self.exact
        return self.network.action_gradient(context, actions, bfloat16=half)

    def _penalised(self, candidates: Tensor, against: _CounterExamples) -> Tensor:
        """Where the slope is bounded, (B, P, A): at counter-examples that share a softmax, and what is asked for."""
        first = 0 if self._ebm.gradient_penalty.include_positive else 1
        points = candidates[:, first : 1 + self._counts.pooled]
        return points if against.passed is None else torch.cat([points, against.passed], dim=1)

    def _contrasts(
        self,
        energies: Tensor,
        candidates: Tensor,
        against: _CounterExamples,
        density: Density | None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The loss of every group, and what they look like, from energies (B, 1 + N), the demonstration first."""
        own, others = energies[:, :1], energies[:, 1:]
        losses: dict[str, Tensor] = {}
        sizes = [group.shape[1] for group in against.groups.values()]
        for name, group in zip(against.groups, others.split(sizes, dim=1), strict=True):
            if not group.shape[1]:
                continue
            judged = torch.cat([own, group], dim=1)
            actions = torch.cat([candidates[:, :1], against.groups[name]], dim=1)
            if name == "ranking_nce" and density is not None:
                first = torch.zeros(len(judged), dtype=torch.long, device=judged.device)
                known = density.log_density(actions).detach()
                losses[name] = ranking_nce(judged, known, first, self._ebm.temperature)
            else:
                losses[name] = contrast(self._ebm.loss, judged, actions, self._ebm.temperature)
        with torch.no_grad():
            parts = {
                "energy_positive": own.mean(),
                "energy_gap": others.mean() - own.mean(),
                "accuracy": (own[:, 0] < others.amin(dim=1)).float().mean(),
            }
        return losses, parts

    def _chain_divergence(self, context: Tensor, ends: Tensor) -> Tensor:
        """What "cd_kl" adds, the energies judged by frozen weights."""
        frozen = {name: weight.detach() for name, weight in self.network.named_parameters()}
        buffers = dict(self.network.named_buffers())
        judged = functional_call(self.network, {**frozen, **buffers}, (context.detach(), ends))
        return chain_divergence(judged, ends)
