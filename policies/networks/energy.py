"""The energy of actions under an observation, the observation's share computed once.

The first dense layer after the fusion is split in two: its observation half is the context, computed once and
broadcast over the candidates; its action half is all that a candidate costs there.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dense_resnet_value import DenseResnetValue
from .initialise import Initialisation
from .mlp import MLPDropout
from .observation import ObservationEncoder
from .resnet import DenseResNet
from .resnet_original import DenseResNetOriginal
from .value_mlp import ValueMLP

ValueNetwork = DenseResNet | DenseResNetOriginal | MLPDropout | DenseResnetValue | ValueMLP

_CHUNK_ROWS = 512
"""Candidates judged at once by each thread without gradients: their activations stay in its core's cache."""
_CHUNK_ROWS_BFLOAT16 = 4096
"""The same in bfloat16, whose products are dearer to call."""


class EnergyNetwork(nn.Module):
    """E(o, a) = value([encoder(o), a]); lower is better.

    With an encoder that gives the features as they are this is the published joint network; with a learned one it
    is late fusion (Florence et al. 2021, §B).
    """

    def __init__(
        self,
        encoder: ObservationEncoder,
        value: ValueNetwork,
        *,
        actions: int,
        initialisation: Initialisation,
    ) -> None:
        """Join an encoder with a value network whose input is [encoded observation, action].

        Args:
            encoder: Gives (B, H).
            value: Takes (..., H + A).
            actions: A.
            initialisation: With "default", the action's weights are drawn as those of a layer of its own: an action
                is a few numbers that would drown beside hundreds of features.
        """
        super().__init__()
        self.encoder = encoder
        self.value = value
        self._encoded = encoder.outputs
        if initialisation == "default":
            with torch.no_grad():
                bound = actions**-0.5
                value.projection.weight[:, self._encoded :].uniform_(-bound, bound)

    def encode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What every candidate of an observation shares, (B, W)."""
        return self.fuse_with(self.encoder(inputs))

    def fuse_with(self, encoded: Tensor) -> Tensor:
        """The same, of observations that are encoded already, (B, H)."""
        projection = self.value.projection
        return F.linear(encoded, projection.weight[:, : self._encoded], projection.bias)

    def forward(self, context: Tensor, actions: Tensor) -> Tensor:
        """Energies (B, N) of candidates (B, N, A) under contexts (B, W)."""
        energies: Tensor = self.value.after_projection(self._fuse(context, actions))
        return energies[..., 0]

    def judge(self, context: Tensor, actions: Tensor, *, bfloat16: bool = False) -> Tensor:
        """As `forward`, without gradients and in pieces that fit the processor's cache; for many candidates.

        Args:
            context: (B, W).
            actions: (B, N, A).
            bfloat16: Whether products behind the first dense layer are in bfloat16.
        """
        rows, candidates = actions.shape[:2]
        most = (_CHUNK_ROWS_BFLOAT16 if bfloat16 else _CHUNK_ROWS) * torch.get_num_threads()
        if actions.is_cuda or rows * candidates <= most:
            with torch.no_grad():
                return self._judged(context, actions, bfloat16)
        together = max(1, most // candidates)
        energies = actions.new_empty(rows, candidates)
        with torch.no_grad():
            for row in range(0, rows, together):
                for column in range(0, candidates, most):
                    part = slice(row, row + together), slice(column, column + most)
                    energies[part] = self._judged(context[part[0]], actions[part], bfloat16)
        return energies

    def action_gradient(
        self, context: Tensor, actions: Tensor, *, bfloat16: bool = False
    ) -> Tensor:
        """∂E/∂a of candidates (B, N, A), of the same shape; differentiable with respect to the weights.

        Args:
            context: (B, W).
            actions: (B, N, A).
            bfloat16: Whether products behind the first dense layer are in bfloat16. That layer itself is not, unless
                all of training is: it tells apart candidates that are closer together than bfloat16 can.
        """
        if isinstance(self.value, MLPDropout) or not self.value.closed_form:
            return self._autograd_gradient(context, actions, bfloat16)
        units = self._fuse(context, actions)
        with _products(actions, bfloat16):
            by_unit = self.value.gradient_after_projection(units)
            # A product with a matrix of so few columns takes a fifth of the time where each of them lies in one piece.
            by_action = F.linear(by_unit, self._action_weight.t().contiguous())
        return by_action.to(actions.dtype) if bfloat16 else by_action

    @property
    def _action_weight(self) -> Tensor:
        return self.value.projection.weight[:, self._encoded :]

    def _fuse(self, context: Tensor, actions: Tensor) -> Tensor:
        if len(context) == 1:  # one pass through memory less
            return F.linear(actions, self._action_weight, context[0])
        return context[:, None] + F.linear(actions, self._action_weight)

    def _judged(self, context: Tensor, actions: Tensor, bfloat16: bool) -> Tensor:
        units = self._fuse(context, actions)
        with _products(actions, bfloat16):
            energies: Tensor = self.value.after_projection(units)[..., 0]
        return energies.to(actions.dtype)

    def _autograd_gradient(self, context: Tensor, actions: Tensor, bfloat16: bool) -> Tensor:
        trained = torch.is_grad_enabled()
        with torch.enable_grad():
            leaf = actions.detach().requires_grad_()
            units = self._fuse(context, leaf)
            with _products(actions, bfloat16):
                energy = self.value.after_projection(units).sum()
            (gradient,) = torch.autograd.grad(energy, leaf, create_graph=trained)
        return gradient


def _products(actions: Tensor, bfloat16: bool) -> AbstractContextManager[Any]:
    """Within it products of matrices are in bfloat16, or as they are outside."""
    return torch.autocast(actions.device.type, torch.bfloat16) if bfloat16 else nullcontext()
