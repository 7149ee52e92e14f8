"""Where a person whose hand is scripted records, in the true environments and in time of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hands import Clock, ScriptedHand, reading

from ibc_gym import loading
from ibc_gym.data.dataset import Dataset
from ibc_gym.hardware.teleop.device import Reading
from ibc_gym.person_stage import RecordByPersonConfig
from ibc_gym.record_by_person import Surroundings, record_by_person

IDLE = reading(held=False)
PUSH = reading(right=-0.3, away=1.0)


def ask(*what: str) -> Reading:
    return reading(0, 0, *what, held=False)


class Hall:
    """Records with a script, in time that passes only by sleeping."""

    def __init__(self, out: Path) -> None:
        self.out, self.clock = out, Clock()
        self.said: list[str] = []
        self.statuses: list[str] = []

    def record(self, script: Sequence[Reading | BaseException], **settings: Any) -> Any:
        ScriptedHand.script = script
        options = {"horizon": 12, **settings.pop("options", {})}
        config = RecordByPersonConfig(
            **{"task": "reach", "by": "script", "out": self.out, "options": options, **settings}
        )
        return record_by_person(
            config,
            Surroundings(
                say=self.said.append,
                status=self.statuses.append,
                clock=self.clock,
                sleep=self.clock.sleep,
            ),
        )

    @property
    def data(self) -> Dataset:
        return Dataset.open(self.out)


def finding(row: str, found: Any) -> Any:
    """What looks up rows, and finds this one in a test."""
    otherwise = loading.attribute
    return lambda path, needed_for: found if path == row else otherwise(path, needed_for)
