"""What explicit policies share: a network that says its answer outright, with the parts of the implicit one."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ibc_gym.contracts import CanonicalFrame, PolicySpec

from .base import Batch, WindowPolicy
from .inputs import ActionNormalisation, InputConfig
from .networks.factory import explicit_network
from .networks.pictures import PictureConfig
from .networks.trunks import TrunkConfig


@dataclass(frozen=True, kw_only=True)
class ExplicitConfig(TrunkConfig, PictureConfig, InputConfig):
    """The part of a config that explicit policies share."""

    action_normalisation: ActionNormalisation = "standardise"
    """As published for explicit policies; see `InputConfig`."""
    dropout: float = 0.1
    """Share of units dropped in training."""
    coordinates: bool = True
    """Whether the small encoder's pictures get two channels with row and column (CoordConv); the other's always do."""

    def __post_init__(self) -> None:
        InputConfig.__post_init__(self)
        PictureConfig.__post_init__(self)
        TrunkConfig.__post_init__(self)


class ExplicitPolicy(WindowPolicy):
    """A policy whose network says `outputs` numbers for an observation."""

    def __init__(
        self, config: ExplicitConfig, spec: PolicySpec, frame: CanonicalFrame | None, outputs: int
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self.encoder, self.network = explicit_network(
            config, config, self._codec.feature_size, self._codec.picture_shapes, outputs
        )
        self._share = config.dropout

    def _outputs(self, inputs: Batch) -> Tensor:
        """What the network says, (B, outputs), of inputs as `_prepared` gives them."""
        outputs: Tensor = self.network(self.encoder(inputs))
        return outputs
