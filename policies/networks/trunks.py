"""Which dense network does the work, made from its config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from ibc_gym.checks import owner, require_at_least, require_finite, require_share
from ibc_gym.errors import ConfigError

from .activation import Activation
from .dense_resnet_value import DenseResnetValue
from .initialise import Initialisation
from .mlp import MLPDropout
from .resnet import DenseResNet
from .resnet_original import DenseResNetOriginal

Trunk = Literal["resnet", "resnet_original", "mlp", "dense_resnet"]
TrunkNetwork = DenseResNet | DenseResNetOriginal | MLPDropout | DenseResnetValue
Dense = Literal["regular", "spectral_norm"]

_LAYERS_PER_BLOCK: Final[dict[Trunk, int]] = {
    "resnet": 2,
    "resnet_original": 2,
    "mlp": 1,
    "dense_resnet": 3,
}


@dataclass(frozen=True, kw_only=True)
class TrunkConfig:
    """A dense network; part of the configs of networks that have one."""

    trunk: Trunk = "resnet"
    """Dense ResNet, activated before (as published) or after its layers; MLP; or bottleneck blocks of three layers."""
    width: int = 256
    """Units per layer."""
    depth: int = 4
    """Dense layers: inside the blocks (two each, three in a bottleneck), or hidden ones of the MLP."""
    dropout: float = 0.0
    """Share of units dropped in training."""
    squares: float = 0.0
    """Share of the units of a "resnet"'s first layer that are squared, so that distances and products are at hand."""
    skip: bool = False
    """Whether a linear share of the inputs is added to a "resnet"'s outputs, beside what was made of them."""
    activation: Activation = "relu"
    """Between the layers; with "swish" an energy's gradient is left to autograd, which costs about twice."""
    dense: Dense = "regular"
    """"spectral_norm" holds the largest singular value of every dense layer at 1, and so the slope of a network
    without squares."""
    initialisation: Initialisation = "default"
    """"normal" is the published N(0, 0.05²), "default" PyTorch's own."""

    def __post_init__(self) -> None:
        require_finite(self)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"{owner(self)}.dropout is {self.dropout}, but must be in [0, 1).")
        require_share(self, "squares")
        for name in ("squares", "skip"):
            if getattr(self, name) and self.trunk != "resnet":
                raise ConfigError(
                    f"{owner(self)}.{name} is {getattr(self, name)}, but only a trunk 'resnet' has it, not {self.trunk!r}."
                )
        layers = _LAYERS_PER_BLOCK[self.trunk]
        require_at_least(self, 1, "width", "depth")
        if self.depth % layers:
            raise ConfigError(
                f"{owner(self)}.depth is {self.depth}, but a trunk {self.trunk!r} has {layers} layers a block: choose a "
                f"depth that is a multiple of {layers}."
            )
        if self.trunk == "dense_resnet" and self.width % 4:
            raise ConfigError(
                f"{owner(self)}.width is {self.width}, but a bottleneck has a quarter of it: choose a multiple of 4."
            )


def trunk_network(config: TrunkConfig, inputs: int, outputs: int) -> TrunkNetwork:
    """The dense network that the config describes; spectral normalisation is the caller's, once all weights are drawn."""
    shared: dict[str, Any] = {
        "width": config.width,
        "dropout": config.dropout,
        "activation": config.activation,
        "initialisation": config.initialisation,
    }
    match config.trunk:
        case "resnet":
            shared |= {"squares": config.squares, "skip": config.skip}
            return DenseResNet(inputs, outputs, depth=config.depth, **shared)
        case "resnet_original":
            return DenseResNetOriginal(inputs, outputs, depth=config.depth, **shared)
        case "mlp":
            return MLPDropout(inputs, outputs, depth=config.depth, **shared)
        case "dense_resnet":
            return DenseResnetValue(inputs, outputs, blocks=config.depth // 3, **shared)
