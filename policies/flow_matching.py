"""Flow matching: an action is noise that a network has carried, along straight lines, to where demonstrations lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from ibc_gym.checks import require_at_least
from ibc_gym.contracts import CanonicalFrame, PolicySpec

from .generative import Field, GenerativeConfig, GenerativePolicy
from .inputs import InputConfig
from .noise import Noise

Solver = Literal["euler", "heun"]


@dataclass(frozen=True, kw_only=True)
class FlowMatchingConfig(GenerativeConfig):
    """A policy that carries noise to chunks of actions."""

    flow_steps: int = 10
    """Steps in which the flow is followed when acting."""
    solver: Solver = "euler"
    """One look at the field in every step, or two, of which the mean is followed; the last step takes one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "flow_steps")


class FlowMatching(GenerativePolicy):
    """A policy by conditional flow matching, beside `Diffusion` with the same networks.

    Noise ε and demonstration a are joined by the straight line (1 - t) ε + t a, and the network is taught its velocity
    a - ε (Lipman et al. 2023, *Flow Matching for Generative Modeling*, with σ_min = 0; Liu, Gong and Liu 2023, *Flow
    Straight and Fast*).
    """

    Config: ClassVar[type[InputConfig]] = FlowMatchingConfig

    def __init__(
        self, config: FlowMatchingConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._flow = config

    def _noised(
        self, demonstrated: Tensor, start: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor, Tensor]:
        rows, draws, _ = demonstrated.shape
        time = noise.uniform(rows, draws)
        return start.lerp(demonstrated, time[..., None]), time, demonstrated - start

    def _follow(self, field: Field, start: Tensor, noise: Noise) -> Tensor:
        return self.box.clip(integrate(field, start, self._flow.flow_steps, self._flow.solver))


def integrate(velocity: Field, start: Tensor, steps: int, solver: Solver) -> Tensor:
    """Where a velocity leads from `start` (B, N, D) while time goes from 0 to 1, in equal steps.

    Heun's method looks at the end of a step, too; not in the last one, since at time 1 the velocity that leads to
    a single point is not defined (Karras et al. 2022, *Elucidating the Design Space*, algorithm 1).
    """
    x, length = start, 1 / steps
    for step in range(steps):
        slope = velocity(x, step * length)
        if solver == "heun" and step < steps - 1:
            slope = (slope + velocity(x + length * slope, (step + 1) * length)) / 2
        x = x + length * slope
    return x
