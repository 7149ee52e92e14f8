"""The rehearsal of going to the arm: a task in simulation, and the same through the vendor's own client in real time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ibc_gym.comparison.compare import CompareConfig


@dataclass(frozen=True, kw_only=True)
class RehearseConfig(CompareConfig):
    """What to rehearse, and how often."""

    command: ClassVar[str] = "rehearse"

    task: str = "insert"
    """A task of the table that has an oracle."""
    workcells: tuple[str, str] = ("mujoco", "xarm-emulated")
    """The simulator, and what stands in for the arm; commands come from an oracle in the first."""
    episodes: int = 5
    """Episodes whose commands are carried out in both, in real time."""
    trials: int = 20
    """Episodes of every policy in each of the two, on equal seeds; some 20 s each in real time."""
    pictures: bool = False
    """Whether two episodes are drawn side by side; needs a workcell with cameras."""

    out: Path | None = None
    """Folder to write into; by default runs/rehearse-TASK."""

    @property
    def folder(self) -> Path:
        """Where the answer goes."""
        return self.out or Path("runs") / f"rehearse-{self.task}"
