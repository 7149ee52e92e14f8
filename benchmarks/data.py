"""How fast demonstrations are written, opened and drawn from, beside plainer ways to do the same.

    python benchmarks/data.py [--out FILE]

CPU time of one process [s]; every ratio is taken in the same run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from ibc_gym.data.dataset import Dataset
from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.metadata import Metadata, installed_versions
from ibc_gym.data.recorder import Recorder
from ibc_gym.record import RecordConfig, record
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy

EPISODES = 2000
PLAIN_EPISODES = 200  # a commit per episode takes long
BATCH = 512
PICTURE = (240, 320, 3)


def cpu_seconds(work: Callable[[], Any], repeats: int = 1) -> float:
    """CPU time of one call, after a first one if it is repeated."""
    if repeats > 1:
        work()
    started = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - started) / repeats


def recording(folder: Path) -> dict[str, float]:
    """Particle steps per second from the oracle to the disk; baseline: a commit per episode."""

    def run(name: str, episodes: int, share: int) -> float:
        config = RecordConfig(
            task="particle", out=folder / name, episodes=episodes, workers=1, share=share
        )
        seconds = cpu_seconds(lambda: record(config))
        return 50 * episodes / seconds

    run("warm.zarr", 64, 0)
    reached = run("many.zarr", EPISODES, 0)
    return {
        "record_particle_steps_per_s": reached,
        "record_particle_one_by_one_steps_per_s": (plain := run("one.zarr", PLAIN_EPISODES, 1)),
        "record_particle_ratio": reached / plain,
    }


def opening(folder: Path) -> dict[str, float]:
    """Episodes per second opened and cut into windows; baseline: a segment per episode."""

    def run(name: str) -> float:
        path = folder / name
        return len(Dataset.open(path)) / cpu_seconds(
            lambda: Dataset.open(path).windows(2), repeats=3
        )

    reached, plain = run("many.zarr"), run("one.zarr")
    return {
        "open_2000_episodes_s": EPISODES / reached,
        "open_episodes_per_s": reached,
        "open_one_by_one_episodes_per_s": plain,
        "open_ratio": reached / plain,
    }


def drawing(folder: Path) -> dict[str, float]:
    """Windows per second in batches of 512 with 2 frames; baseline: sample by sample in Python."""
    dataset = Dataset.open(folder / "many.zarr")
    windows = dataset.windows(2, names=["state"])
    policy = make_policy("mse", dataset.spec)
    policy.fit(windows)
    data = policy.encode(windows)
    generator = torch.Generator().manual_seed(0)
    plain_tensors = tensors(windows)

    def rows() -> torch.Tensor:
        return torch.randint(len(windows), (BATCH,), generator=generator)

    reached = BATCH / cpu_seconds(lambda: data.batch(rows()), repeats=500)
    indexed = BATCH / cpu_seconds(lambda: index_tensors(*plain_tensors, rows()), repeats=500)
    plain = BATCH / cpu_seconds(lambda: one_by_one(windows, rows()), repeats=20)
    return {
        "windows_per_s": reached,
        "windows_by_index_alone_per_s": indexed,
        "windows_sample_by_sample_per_s": plain,
        "windows_ratio": reached / plain,
    }


def tensors(windows: Windows) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return (
        torch.from_numpy(np.array(windows.frames["state"])),
        torch.from_numpy(windows.index),
        torch.from_numpy(np.array(windows.action)),
    )


def index_tensors(
    frames: torch.Tensor, index: torch.Tensor, action: torch.Tensor, rows: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    return frames[index[rows]], action[rows]


def one_by_one(windows: Windows, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As a map-style data set with a collating loader does it."""
    samples = [
        (
            torch.tensor(windows.frames["state"][windows.index[row]]),
            torch.tensor(windows.action[row]),
        )
        for row in rows.tolist()
    ]
    return torch.stack([seen for seen, _ in samples]), torch.stack([done for _, done in samples])


def pictures(folder: Path) -> dict[str, float]:
    """Pictures of 240 x 320 per second written with an fsync per episode, and read at random."""
    rng = np.random.default_rng(0)
    scene = np.kron(rng.integers(0, 256, (15, 20, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    length = 100
    images = np.stack([np.roll(scene, shift, axis=1) for shift in range(length)])
    metadata = Metadata(
        task="pictures",
        workcell="none",
        observation_space=spaces.Dict({"image": spaces.Box(0, 255, PICTURE, np.uint8)}),
        action_space=spaces.Box(-1, 1, (2,), np.float32),
        control_period=0.1,
    )
    episode = Demonstration(
        steps={
            "observation.image": images,
            "action": np.zeros((length, 2), np.float32),
            "terminated": np.zeros(length, np.bool_),
            "truncated": np.zeros(length, np.bool_),
        }
    )
    with Recorder(folder / "pictures.zarr", metadata) as recorder:
        write = cpu_seconds(lambda: recorder.append(episode), repeats=5)
    frames = Dataset.open(folder / "pictures.zarr").windows(1).frames["image"]
    read = cpu_seconds(lambda: frames[rng.integers(len(frames), size=64)], repeats=5)
    return {"pictures_written_per_s": length / write, "pictures_read_at_random_per_s": 64 / read}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the figures there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for measure in (recording, opening, drawing, pictures):
            figures |= measure(Path(folder))
    for name, value in figures.items():
        print(f"{name:45s} {value:14,.3f}" if value < 100 else f"{name:45s} {value:14,.0f}")
    if arguments.out:
        command = "python benchmarks/data.py " + " ".join(sys.argv[1:])
        content = {"command": command, "versions": installed_versions(), "figures": figures}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
