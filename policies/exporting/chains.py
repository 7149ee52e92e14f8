"""Langevin chains as one loop of a graph: a hundred steps written out would make it slow to write and to load.

Only where the slope is left to autograd are they written out all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch._higher_order_ops.scan import scan  # torch has no public name for it yet
from torch._ops import OpOverload
from torch.fx.experimental.proxy_tensor import make_fx

from ..ebm import EBM, EBMConfig
from ..networks.energy import EnergyNetwork
from ..networks.mlp import MLPDropout
from ..noise import Noise
from ..optimisers import langevin
from ..optimisers.box import Box, Search
from ..optimisers.langevin import Chain, Mover
from .flat_noise import FlatNoise


class Chains:
    """The search of a policy by Langevin dynamics for one observation, to be traced."""

    def __init__(self, policy: EBM) -> None:
        """Prepare the slopes of the policy's energy."""
        self._policy = policy
        self._ebm = cast("EBMConfig", policy.config)
        self._config = self._ebm.langevin
        self._slopes = {
            count: _slope(policy.network, count, policy.action_size)
            for count in {columns.stop - columns.start for columns in self._pieces()}
        }

    def search(self, context: Tensor, noise: Noise, *, validating: bool = False) -> Search:
        """As `EBM._search`: the same steps on the same numbers."""
        noise = cast("FlatNoise", noise)
        policy, config = self._policy, self._config
        box = policy.box
        start = None
        if self._ebm.proposal.starts and policy.proposal is not None:
            start = box.clip(policy.proposal(context, box).sample(noise, config.samples))
        ends = []
        for columns in self._pieces():
            count = columns.stop - columns.start
            actions = box.sample(noise, 1, count) if start is None else start[:, columns]
            for chain in langevin.inference_chains(config):
                actions = self._walk(context, actions, box, noise, chain)
            ends.append(actions)
        found = torch.cat(ends, dim=1)
        return Search(found, policy.network.judge(context, found))

    def _pieces(self) -> list[slice]:
        samples = self._config.samples
        return [
            slice(columns.start, min(columns.stop, samples))
            for _, columns in langevin.chunks(1, samples)
        ]

    def _walk(
        self, context: Tensor, start: Tensor, box: Box, noise: FlatNoise, chain: Chain
    ) -> Tensor:
        """As `langevin.walk`."""
        move = Mover(box, langevin.clips(self._config))
        slope = self._slopes[start.shape[1]]
        factors = torch.tensor(list(chain.factors()))  # (K, 2)
        steps = noise.normals(chain.iterations, *start.shape) if chain.noise else factors[:, :1]

        def step(actions: Tensor, numbers: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            factor, drawn = numbers
            shaken = factor[1] * drawn if chain.noise else None
            moved = move(actions, slope(context, actions), factor[0], shaken)
            return moved, factor[:1].clone()

        if not _closed_form(self._policy.network):  # what autograd wrote out cannot stand in a loop
            for factor, drawn in zip(factors, steps, strict=True):
                start, _ = step(start, (factor, drawn))
            return start
        ends, _ = scan(step, start, (factors, steps))
        return cast("Tensor", ends)


def _slope(network: EnergyNetwork, count: int, size: int) -> Callable[[Tensor, Tensor], Tensor]:
    """∂E/∂a as arithmetic; where it is left to autograd, autograd's own steps written out."""
    if _closed_form(network):
        return network.action_gradient
    context = torch.zeros(1, network.value.projection.out_features)

    def slope(context: Tensor, actions: Tensor) -> Tensor:
        return network.action_gradient(context, actions)

    with torch.no_grad():
        made: Callable[[Tensor, Tensor], Tensor] = make_fx(slope, _WRITTEN_OUT)(
            context, torch.zeros(1, count, size)
        )
    return made


def _silu_backward(gradient: Tensor, x: Tensor) -> Tensor:
    """The slope of swish, x σ(x), which ONNX has no operation for."""
    s = x.sigmoid()
    return gradient * s * (1 + x * (1 - s))


_WRITTEN_OUT: dict[OpOverload, Callable[..., Any]] = {
    torch.ops.aten.silu_backward.default: _silu_backward
}
"""Done here and not in the table of `files`: torch asks that one about no operation that it has a kernel for on the CPU."""


def _closed_form(network: EnergyNetwork) -> bool:
    return not isinstance(network.value, MLPDropout) and network.value.closed_form
