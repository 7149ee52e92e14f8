"""Many environments that step on all cores of one process, for simulators that compute without Python.

While one thread integrates physics, another computes what happens around it. Each environment is stepped by one thread
at a time and by the code that steps it when it is alone, so results are the same to the last bit.

MuJoCo's own way to step many worlds, `mujoco.batch`, integrates physics on all cores and leaves all the rest to one:
1.4 to 1.5 times one thread on two cores, where this is 1.8 times (`benchmarks/threads.py`). Threads wait for each other
a little at every step, so on a virtual machine whose cores wake slowly this was 1.4 to 1.5, too.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import concatenate, iterate

Info = dict[str, Any]


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
        self._helpers = max(1, min(threads, len(makers))) - 1
        self._pool = ThreadPoolExecutor(
            max(1, self._helpers)
        )  # starts a thread when it is given work

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Info]:
        """Step every environment, or reset it where that is due; the first error of all is raised when all are done."""
        if self.autoreset_mode is AutoresetMode.DISABLED:
            assert not self._autoreset_envs.any(), "an episode that is over was not reset"
        notes = _InOrder(self.num_envs, self._note)
        actions = list(iterate(self.action_space, actions))
        # Whoever is free takes the next one. From two ends, so that most stay with one core and its caches.
        rows = deque(range(self.num_envs))
        futures = [
            self._pool.submit(self._run, _taken(rows.pop), actions, notes)
            for _ in range(self._helpers)
        ]
        errors = [self._run(_taken(rows.popleft), actions, notes)]
        errors += [future.result() for future in futures]
        found = [error for error in errors if error is not None]
        if found:
            raise found[0]
        self._observations = concatenate(
            self.single_observation_space, self._env_obs, self._observations
        )
        self._autoreset_envs = np.logical_or(self._terminations, self._truncations)
        return (
            deepcopy(self._observations) if self.copy else self._observations,
            self._rewards.copy(),
            self._terminations.copy(),
            self._truncations.copy(),
            notes.info,
        )

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads and close the environments."""
        self._pool.shutdown()
        super().close_extras(**kwargs)

    def _run(
        self, rows: Iterator[int], actions: Sequence[Any], notes: _InOrder
    ) -> BaseException | None:
        """Step those that no other thread takes; an error is given back, so that no thread runs on while it is raised."""
        try:
            for row in rows:
                notes.put(row, self._step_one(row, actions[row]))
        except BaseException as error:
            return error
        return None

    def _step_one(self, row: int, action: Any) -> list[Info]:
        """Step or reset one environment; its infos, in the order in which Gymnasium adds them."""
        env = self.envs[row]
        if self.autoreset_mode is AutoresetMode.NEXT_STEP and self._autoreset_envs[row]:
            self._env_obs[row], info = env.reset()
            self._rewards[row], self._terminations[row], self._truncations[row] = 0.0, False, False
            return [info]
        self._env_obs[row], reward, terminated, truncated, info = env.step(action)
        self._rewards[row] = reward
        self._terminations[row], self._truncations[row] = terminated, truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP and (terminated or truncated):
            last = {"final_obs": self._env_obs[row], "final_info": info}
            self._env_obs[row], info = env.reset()
            return [last, info]
        return [info]

    def _note(self, vector_info: Info, row: int, infos: list[Info]) -> Info:
        for info in infos:
            vector_info = self._add_info(vector_info, info, row)
        return vector_info

    def _add_info(self, vector_infos: Info, env_info: Info, env_num: int) -> Info:
        """Gymnasium's, in a third of its time for names that are known already."""
        new = {}
        for key, value in env_info.items():
            array = vector_infos.get(key)
            if array is None or key == "final_obs":
                new[key] = value
                continue
            if isinstance(value, dict):
                self._add_info(array, value, env_num)
            else:
                array[env_num] = value
            vector_infos[f"_{key}"][env_num] = True
        return super()._add_info(vector_infos, new, env_num) if new else vector_infos


def _taken(take: Callable[[], int]) -> Iterator[int]:
    """What `take` gives until nothing is left."""
    with suppress(IndexError):
        while True:
            yield take()


class _InOrder:
    """Infos of all environments, put together in the order of the rows whatever the order in which they come.

    Gymnasium takes the type of an array from the first value; so it is the same value, however many threads there are.
    """

    def __init__(self, count: int, note: Callable[[Info, int, list[Info]], Info]) -> None:
        self.info: Info = {}
        self._waiting: list[list[Info] | None] = [None] * count
        self._next = 0
        self._note = note
        self._lock = threading.Lock()

    def put(self, row: int, infos: list[Info]) -> None:
        with self._lock:
            self._waiting[row] = infos
            while self._next < len(self._waiting):
                ready = self._waiting[self._next]
                if ready is None:
                    return
                self.info = self._note(self.info, self._next, ready)
                self._next += 1
