"""A graph as ONNX: what ONNX has no operation for is said in others, or named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from small_policies import MakeSpec, MakeWindows, made

from ibc_gym.errors import ConfigError
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.exporting import chains, files
from ibc_gym.policies.exporting.graph import Graph
from ibc_gym.policies.networks.factory import JointConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig


def test_slope_of_swish_is_that_of_torch() -> None:
    x = torch.linspace(-30, 30, 601, dtype=torch.float64, requires_grad=True)
    gradient = torch.linspace(-2, 3, 601, dtype=torch.float64)
    (expected,) = torch.autograd.grad(F.silu(x), x, gradient)
    torch.testing.assert_close(chains._silu_backward(gradient, x.detach()), expected)


@pytest.mark.slow
def test_operation_that_onnx_lacks_is_named_and_nothing_else(
    make_spec: MakeSpec,
    make_windows: MakeWindows,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = EBMConfig(
        network="joint",
        joint=JointConfig(width=8, depth=2, activation="swish"),
        optimiser="langevin",
        langevin=LangevinConfig(samples=4, iterations=2),
    )
    policy = made(config, make_spec())
    policy.fit(make_windows())
    monkeypatch.setattr(chains, "_WRITTEN_OUT", {})
    with pytest.raises(ConfigError) as caught:
        files.write_onnx(Graph(policy), tmp_path / "model.onnx")
    assert str(caught.value) == (
        "The policy does something that ONNX has no operation for (aten.silu_backward): use --format torch-export."
    )


def test_other_reasons_are_told_in_one_line() -> None:
    error = RuntimeError("\x1b[96mstep 3/3\x1b[0m")
    error.__cause__ = ValueError("the first reason\nand pages of it")
    assert files._culprit(error) == "the first reason"
