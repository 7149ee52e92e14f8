"""Many environments that step on all cores of one process, for simulators that compute without Python.

While one thread integrates physics, another computes what happens around it. Each environment is stepped by one thread
alone and by the code that steps it when it is alone, so results are the same to the last bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

Step = tuple[Any, float, bool, bool, dict[str, Any]]


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ThreadedVectorEnv(SyncVectorEnv):
    """Gymnasium's vector of environments, stepped by several threads.

    Pictures are not for this: an OpenGL context belongs to the thread that made it.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[], gymnasium.Env[Any, Any]]],
        *,
        threads: int,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> None:
        """Make the environments, and the threads that step them.

        Args:
            makers: Make one environment each.
            threads: How many; the caller's own is one of them.
            autoreset_mode: Gymnasium's.
        """
        super().__init__(makers, autoreset_mode=autoreset_mode)
        self._ahead = [_Ahead(env) for env in self.envs]
        self.envs = list(self._ahead)
        count = max(1, min(threads, len(makers)))
        self._parts = [list(range(part, len(makers), count)) for part in range(count)]
        self._pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step every environment that goes on; the first error of all is raised when every thread is done."""
        if self._pool is not None:
            asked = np.asarray(actions)
            own, *others = self._parts
            futures = [self._pool.submit(self._run, part, asked) for part in others]
            errors = [self._run(own, asked), *(future.result() for future in futures)]
            found = [error for error in errors if error is not None]
            if found:
                raise found[0]
        return super().step(actions)

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads and close the environments."""
        if self._pool is not None:
            self._pool.shutdown()
        super().close_extras(**kwargs)

    def _run(self, part: Sequence[int], actions: Any) -> BaseException | None:
        """Step some of the environments; an error is given back, so that no thread runs on while it is raised."""
        try:
            for row in part:
                if not self._autoreset_envs[row]:
                    self._ahead[row].go(actions[row])
        except BaseException as error:
            return error
        return None


class _Ahead(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that may have been stepped before it is asked to be."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._result: Step | None = None

    def go(self, action: Any) -> None:
        """Take the step that is about to be asked for."""
        self._result = self._stepped(action)

    def step(self, action: Any) -> Step:
        """The step that was taken already, if one was."""
        result, self._result = self._result, None
        return self._stepped(action) if result is None else result

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; a step that nobody has asked for is forgotten."""
        self._result = None
        return self.env.reset(**options)

    def _stepped(self, action: Any) -> Step:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, float(reward), terminated, truncated, info
