"""A key that stops the robot at once, whatever the program is busy with: it is heard by a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from ibc_gym.closing import Closing

from .device import DeviceLost
from .terminal import Keys, terminal_keys

STOPPING: Final = {"escape": "Esc", "q": "q"}
"""The keys, as `KeyParser` names them and as a person does. Esc is also what ends a recording by hand."""
GLANCE: Final = 0.05
"""How often it is seen whether the brake was closed [s]."""


class Brake(Closing):
    """Listens to the process's own terminal, beside whoever else does, until a stopping key is pressed."""

    def __init__(
        self,
        stop: Callable[[str], None],
        keys: Keys | None = None,
        *,
        stopping: Mapping[str, str] = STOPPING,
    ) -> None:
        """Listen from now on.

        Args:
            stop: Stops the robot for good, and is told why; called from the brake's thread, once. It must not raise.
            keys: What is listened to; the process's own terminal by default.
            stopping: The keys that stop the robot.

        Raises:
            ConfigError: Standard input is no terminal.
        """
        self._stop, self._stopping = stop, stopping
        self._keys = keys or terminal_keys()
        self._over = threading.Event()
        self.why: str | None = None
        """What stopped the robot, in a sentence; None while nobody has."""
        self._thread = threading.Thread(target=self._run, name="brake", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more; may be called twice."""
        self._over.set()
        self._thread.join()
        self._keys.close()

    def _run(self) -> None:
        while self.why is None and not self._over.is_set():
            try:
                self._keys.wait(GLANCE)
                pressed = [
                    self._stopping[key] for key in self._keys.take() if key in self._stopping
                ]
            except DeviceLost as error:
                self._pull(f"{error} So nobody could stop the arm by a key.")
                return
            except Exception as error:  # whatever it is, nobody must believe that it hears
                self._pull(
                    f"The keys are no longer heard ({error!r}), so nobody could stop the arm by one. This is a fault of ours."
                )
                return
            if pressed:
                self._pull(f"You stopped the arm by {pressed[0]}.")

    def _pull(self, why: str) -> None:
        self.why = why  # before the robot is stopped: whoever finds it stopped asks for it
        self._stop(why)
