"""Random numbers that a test watches."""

from __future__ import annotations

import pickle

import numpy as np


def global_stream() -> bytes:
    """All of NumPy's global generator, which nothing of ours may touch."""
    return pickle.dumps(np.random.get_state(legacy=False))  # noqa: NPY002 - to see that it rests
