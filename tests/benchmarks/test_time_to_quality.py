"""Time to quality: what was measured is kept whole, or measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import endings
import pytest
from toys import record

from benchmarks import time_to_quality
from ibc_gym.training.config import TrainConfig


def test_measurement_that_is_broken_off_as_it_is_kept_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = time_to_quality.ROWS["particle-2"]
    data = record(tmp_path / "demos.zarr", 2)

    def measured(config: TrainConfig, *_: Any) -> dict[str, Any]:
        config.out.mkdir()
        return {"successes": 3}

    monkeypatch.setattr(time_to_quality, "_measured", measured)
    with monkeypatch.context() as killed:
        killed.setattr(Path, "write_text", endings.half_written)
        with pytest.raises(KeyboardInterrupt):
            time_to_quality.measure(row, row.preset, data, 0, 5)
    assert time_to_quality.measure(row, row.preset, data, 0, 5) == {"successes": 3}
