"""One energy per dimension of the action, each of the action up to there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import torch
from torch import Tensor, nn

from .networks.energy import EnergyNetwork
from .networks.factory import JointConfig, LateFusionConfig, joint_network, late_fusion_network
from .networks.observation import AsIs, ObservationEncoder, PictureShapes


class PrefixEnergies(nn.Module):
    """E_d(o, a_1 … a_d) for d = 1 … A (Florence et al. 2021, §B.2).

    As published these are A networks, whose memory grows with A; with a shared trunk they have one encoder of the
    observation, and a small value network each.
    """

    def __init__(
        self,
        network: Literal["late_fusion", "joint"],
        late_fusion: LateFusionConfig,
        joint: JointConfig,
        *,
        features: int,
        pictures: PictureShapes,
        actions: int,
        shared_trunk: bool,
    ) -> None:
        """Make all networks.

        Args:
            network: Which form each has.
            late_fusion: Sizes of a late-fusion network.
            joint: Sizes of a joint network.
            features: Length of the vector of low-dimensional inputs.
            pictures: (C, H, W) by input name.
            actions: A.
            shared_trunk: Whether there is one encoder for all; of late-fusion networks alone.
        """
        super().__init__()
        made = [
            joint_network(joint, features, dimensions)
            if network == "joint"
            else late_fusion_network(late_fusion, features, pictures, dimensions)
            for dimensions in range(1, actions + 1)
        ]
        self.encoder: ObservationEncoder | None = None
        if shared_trunk:
            self.encoder = encoder = made[0].encoder
            made = [
                EnergyNetwork(
                    ObservationEncoder(AsIs(encoder.outputs), {}),
                    own.value,
                    actions=dimensions,
                    initialisation=late_fusion.initialisation,
                )
                for dimensions, own in enumerate(made, start=1)
            ]
        self.networks = nn.ModuleList(made)

    def encode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What all candidates of an observation share, for every dimension, (B, A, W)."""
        if self.encoder is not None:
            inputs = {"features": self.encoder(inputs)}
        return torch.stack([network.encode(inputs) for network in self._networks()], dim=1)

    def forward(self, context: Tensor, dimension: int, prefixes: Tensor) -> Tensor:
        """Energies (B, N) of one dimension, counted from 0, of the actions up to it (B, N, dimension + 1)."""
        energies: Tensor = self._networks()[dimension](context[:, dimension], prefixes)
        return energies

    def judge(self, context: Tensor, dimension: int, prefixes: Tensor) -> Tensor:
        """As `forward`, without gradients and in pieces that fit the processor's cache; for many candidates."""
        return self._networks()[dimension].judge(context[:, dimension], prefixes)

    def _networks(self) -> list[EnergyNetwork]:
        return cast("list[EnergyNetwork]", list(self.networks))
