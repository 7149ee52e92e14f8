"""What an update and an action take is measured by the trainer's own update and the policy's own action."""

from __future__ import annotations

import pytest
import torch

from benchmarks import on_device


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "pictures"), [("fast/push", False), ("fast/pixels", True)])
def test_a_row_has_every_figure(preset: str, pictures: bool) -> None:
    row = on_device.measure(preset, torch.device("cpu"), compiled=False, rounds=1, calls=10)
    assert row["row"] == f"one core: {preset}" and row["pictures"] is pictures
    assert set(row["update_ms"]) == {"float32", "bfloat16"}
    assert min(row["update_ms"].values()) > 0
    assert 0 < row["action_median_ms"] <= row["action_p95_ms"]
