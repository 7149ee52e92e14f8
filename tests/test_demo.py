"""The demo refuses what cannot end well before it records anything."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ibc_gym import demo as main_job
from ibc_gym.demo import DATA, DemoConfig, demo
from ibc_gym.errors import ConfigError, UnknownName


def no_bars(*labels: str) -> AbstractContextManager[Any]:
    raise AssertionError(f"{labels} began, although the settings are wrong")


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"preset": "nope"}, UnknownName, "no preset called 'nope'"),
        ({"baseline": "fast/psuh-mse"}, UnknownName, "fast/push-mse"),
        ({"preset": "fast/pixels"}, ConfigError, "takes image"),
        ({"preset": "fast/pusht-frame"}, ConfigError, "'pusht'"),
    ],
)
def test_preset_that_does_not_serve_is_told_before_anything_is_written(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        demo(DemoConfig(out=tmp_path / "demo", **changes), no_bars)
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    "changes",
    [{"steps": 0}, {"films": -1}, {"seed": -1}, {"goal_tolerance": 0.0}, {"episodes": 1}],
)
def test_number_out_of_range_is_told_by_name(changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(ConfigError, match=rf"DemoConfig\.{name} is "):
        DemoConfig(**changes)


def test_demonstrations_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / DATA).mkdir()
    (tmp_path / DATA / "precious").write_text("hours of work")
    with pytest.raises(ConfigError, match=f"{DATA}, which no demo"):
        demo(DemoConfig(out=tmp_path), no_bars)
    assert [path.name for path in tmp_path.rglob("*")] == [DATA, "precious"]


def test_demo_that_was_broken_off_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def interrupted(config: Any, on_progress: Any) -> None:
        begun.append(config.out.name)
        config.out.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(main_job, "record", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            demo(DemoConfig(out=tmp_path), Bars)
    assert begun == [DATA, DATA]


class Bars(AbstractContextManager[Any]):
    """Bars that nobody looks at."""

    def __init__(self, *labels: str) -> None:
        self._moves = tuple(lambda *_: None for _ in labels)

    def __enter__(self) -> tuple[Any, ...]:
        return self._moves

    def __exit__(self, *_: object) -> None:
        return None
