"""An arm that takes with it what was opened for it."""

from __future__ import annotations

from contextlib import ExitStack

from ..arm.robot import XArm


class OpenedArm(XArm):
    """An arm of a workcell: when it is closed, so is what the workcell needed beside it."""

    opened: ExitStack | None = None
    """Closed after the arm."""

    def close(self) -> None:
        """Hang up, and close what was opened for the arm; may be called twice."""
        try:
            super().close()
        finally:
            if self.opened is not None:
                self.opened.close()
