"""CPU time of many robots that act by a search, where freed memory is kept and where it is given back each time.

    OMP_NUM_THREADS=1 python -m benchmarks.freed_memory [--robots 64] [--rounds 6]

Both sides are processes of their own, since what the C library is told is for a whole process. The policy is
`released/particle-langevin` with untrained weights and 64 chains: what its search costs does not depend on them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from dataclasses import replace

import numpy as np
import torch

from benchmarks.same_work import LANGEVIN, Bench, multiplies_bfloat16
from ibc_gym.heap import keep_freed_memory

SAMPLES = 64


def acting(kept: bool, half: bool, robots: int, rounds: int) -> float:
    """CPU seconds of one call for all robots, the least of several."""
    if kept and not keep_freed_memory():
        raise SystemExit("This machine's C library cannot be told to keep freed memory.")
    torch.set_num_threads(1)
    policy = Bench(LANGEVIN).policy
    constants = replace(policy._ebm.langevin, samples=SAMPLES, bfloat16=half)
    policy._ebm = replace(policy._ebm, langevin=constants)
    policy.reset(np.ones(robots, np.bool_), list(range(robots)))
    state = np.random.default_rng(0).uniform(-1, 1, (robots, LANGEVIN.features)).astype(np.float32)
    times = []
    for _ in range(1 + rounds):
        began = time.process_time()
        policy.act({"state": state})
        times.append(time.process_time() - began)
    return min(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--robots", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=6)
    arguments = parser.parse_args()
    print(f"{arguments.robots} robots, an action each [CPU s]: given back, kept, ratio")
    for half in (False, True) if multiplies_bfloat16() else (False,):
        asked = [(kept, half, arguments.robots, arguments.rounds) for kept in (False, True)]
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            left, kept = pool.starmap(acting, asked, chunksize=1)
        print(f"{'bfloat16' if half else 'float32':10}{left:6.2f}{kept:6.2f}{left / kept:6.2f}x")


if __name__ == "__main__":
    main()
