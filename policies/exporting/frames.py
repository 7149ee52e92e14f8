"""A canonical frame, which is written in NumPy, as arithmetic on tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from ibc_gym.contracts import CanonicalFrame
from ibc_gym.errors import ConfigError

Module = Callable[..., Tensor]


class TracedFrame:
    """The two halves of a frame that an acting policy needs."""

    def __init__(
        self, frame: CanonicalFrame, window: tuple[int, int], chunk: tuple[int, int]
    ) -> None:
        """Trace the frame, and hold what was traced to it.

        Args:
            frame: What is traced.
            window: (T, O) of its states.
            chunk: (H, A) of its actions, all of which are turned by one window.

        Raises:
            ConfigError: It does what cannot be traced.
        """
        states = torch.linspace(-1, 1, prod(window)).reshape(1, *window)
        actions = torch.linspace(0.5, 1, prod(chunk)).reshape(chunk)
        self.features = _traced(frame, _Features(frame), [states])
        self.out_of = _traced(frame, _OutOf(frame), [actions, states])


class _Features(nn.Module):
    def __init__(self, frame: CanonicalFrame) -> None:
        super().__init__()
        self._frame = frame

    def forward(self, states: Tensor) -> Tensor:
        return torch.from_numpy(self._frame.features(states.numpy()))


class _OutOf(nn.Module):
    def __init__(self, frame: CanonicalFrame) -> None:
        super().__init__()
        self._frame = frame

    def forward(self, actions: Tensor, states: Tensor) -> Tensor:
        states = states.expand(len(actions), -1, -1)
        return torch.from_numpy(self._frame.out_of(actions.numpy(), states.numpy()))


def _traced(frame: CanonicalFrame, part: nn.Module, example: Sequence[Tensor]) -> Module:
    """The part as arithmetic; numbers other than the example's must come out the same, too."""
    rng = np.random.default_rng(0)
    try:
        graph: Module = torch.export.export(part, tuple(example), strict=True).module()
        for _ in range(4):
            other = [
                torch.from_numpy(rng.normal(size=each.shape).astype(np.float32)) for each in example
            ]
            torch.testing.assert_close(graph(*other), part(*other), rtol=1e-5, atol=1e-5)
    except Exception as error:  # what tracing raises is of many kinds
        reason = (str(error).splitlines() or [""])[0]
        raise ConfigError(
            f"The canonical frame {type(frame).__name__} cannot be exported ({type(error).__name__}: {reason}). It must "
            "be plain NumPy arithmetic over its arguments, without arrays from outside of its functions; or train a "
            "policy without a frame."
        ) from error
    return graph
