"""The same seed in another process: what a suite needs to see that nothing of this one shows through."""

from __future__ import annotations

import hashlib
import inspect
import os
import subprocess
import sys
from typing import Any, Final

import numpy as np

from ibc_gym.testing.bits import flat

SEED: Final = 3
STEPS: Final = 8

_ELSEWHERE: Final = """
import importlib.util, sys
from pathlib import Path
path, name = sys.argv[1:]
spec = importlib.util.spec_from_file_location(Path(path).stem, path)
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from ibc_gym.testing.processes import digest
suite = module
for part in name.split("."):
    suite = getattr(suite, part)
with suite().make() as env:
    print(digest(env))
"""


def digest(env: Any) -> str:
    """Observations and rewards of an episode of random actions, as one number in hexadecimal."""
    observation, _ = env.reset(seed=SEED)
    rng, space = np.random.default_rng(0), env.action_space
    found = hashlib.sha256(repr(flat(observation)).encode())
    for _ in range(STEPS):
        action = rng.uniform(space.low, space.high).astype(np.float32)
        observation, reward, terminated, truncated, _ = env.step(action)
        found.update(repr((flat(observation), flat(np.float64(reward)))).encode())
        if terminated or truncated:
            break
    return found.hexdigest()


def digest_elsewhere(suite: type) -> str:
    """The same of the environment that a suite makes, by a fresh process.

    Raises:
        AssertionError: It failed; what it complained of is in the message.
    """
    words = [sys.executable, "-c", _ELSEWHERE, inspect.getfile(suite), suite.__qualname__]
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "random"},
    )
    assert done.returncode == 0, (
        f"A fresh process could not make the environment of {suite.__name__}:\n{done.stderr[-3000:]}"
    )
    return done.stdout.split()[-1]
