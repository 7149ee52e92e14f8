"""An arm that takes with it what was opened for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from ..arm.robot import XArm
from ..arm.targets import Admitted


class OpenedArm(XArm):
    """An arm of a workcell: when it is closed, so is what the workcell needed beside it."""

    opened: ExitStack | None = None
    """Closed after the arm."""
    may_go: Callable[[], None] | None = None
    """Raises where whoever guards the arm has stopped it."""

    def _start(self, stops: int) -> Admitted:
        """As `XArm` does, if the arm may go: asked now that stops are counted, so that no stop is between the two."""
        if self.may_go is not None:
            self.may_go()
        return super()._start(stops)

    def close(self) -> None:
        """Hang up, and close what was opened for the arm; may be called twice."""
        try:
            super().close()
        finally:
            if self.opened is not None:
                self.opened.close()
