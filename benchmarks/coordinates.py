"""Where is the square in the picture, learned from 10 or 30 of them: inside and outside of what was seen.

    OMP_NUM_THREADS=1 python -m benchmarks.coordinates [--seconds 40] [--out benchmarks/results/coordinates.json]

The coordinate regression of Florence et al. 2021 (§3, Fig. 4): a white picture of 96 x 96 with a green square of 7 x 7, and its
place as the answer. All kinds of policies have the same pictures, the same encoder (three convolutions and the place where each
of their last maps is strongest), the same batch and the same CPU time of training; three seeds draw places and weights. 500 other
places are judged, those within the convex hull of the learned ones and those beyond it apart.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from benchmarks.results_file import command, write_result
from ibc_gym.checkpoint import load_policy
from ibc_gym.contracts import PolicySpec
from ibc_gym.policies.ebm_config import EBMConfig
from ibc_gym.policies.mdn import MDNConfig
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.records import Float32, Windows
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.records import TrainingSet
from ibc_gym.training.trainer import train_on

SIDE: Final = 96
HALF: Final = 3
"""Of the square, beside its middle [px]."""
LEARNED: Final = (10, 30)
JUDGED: Final = 500
TOGETHER: Final = 50
"""Pictures that are answered at once."""
GREEN: Final = (0, 255, 0)
SPEC: Final = PolicySpec(
    task="coordinates",
    observation_space=spaces.Dict({"image": spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8)}),
    action_space=spaces.Box(0, SIDE - 1, (2,), np.float32),
    control_period=0.2,
)

_SEES: Final[dict[str, Any]] = {"inputs": ("image",), "history": 1}
_ENCODER: Final[dict[str, Any]] = {"channels": (16, 32, 32), "keypoints": True}
CONFIGS: Final[Mapping[str, tuple[str, Any]]] = {
    "implicit": (
        "ebm",
        EBMConfig(
            **_SEES,
            late_fusion=LateFusionConfig(**_ENCODER),
            negatives=NegativesConfig(uniform=128, anchored=0),
            boundary_buffer=1.0,  # answers may lie anywhere in the picture
            dfo=DFOConfig(iterations=6),  # three end with perturbations of eight pixels
        ),
    ),
    "MDN": (
        "mdn",
        MDNConfig(
            **_SEES,
            **_ENCODER,
            components=4,
            dropout=0.0,
            pick="most_probable",
            scale_floor=0.05,  # with the usual thousandth one training of three ends 18 pixels off
        ),
    ),
    "MSE": ("mse", MSEConfig(**_SEES, **_ENCODER, dropout=0.0)),
}
"""Policy and config by kind."""


def picture(place: NDArray[np.int64]) -> NDArray[np.uint8]:
    """A square about (column, row) [px]."""
    found = np.full((SIDE, SIDE, 3), 255, np.uint8)
    column, row = place
    found[row - HALF : row + HALF + 1, column - HALF : column + HALF + 1] = GREEN
    return found


def places(count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Some to learn from, (count, 2), and others to be judged by, (JUDGED, 2)."""
    inner = SIDE - 2 * HALF
    drawn = rng.choice(inner**2, count + JUDGED, replace=False)
    found = HALF + np.stack([drawn % inner, drawn // inner], axis=1)
    return found[:count], found[count:]


def windows(learned: NDArray[np.int64]) -> Windows:
    rows = np.arange(len(learned))
    return Windows(
        frames={"image": np.stack([picture(place) for place in learned])},
        index=rows[:, None],
        action=learned.astype(np.float32),
        episode=rows,
    )


def answers(
    kind: str, learned: NDArray[np.int64], judged: NDArray[np.int64], seed: int, seconds: float
) -> Float32:
    """What a policy that learned from some says of the others, (JUDGED, 2) [px]."""
    name, config = CONFIGS[kind]
    with tempfile.TemporaryDirectory() as out:
        training = TrainConfig(
            data=Path("none"),
            out=Path(out),
            policy=name,
            policy_config=config,
            budget_cpu_seconds=seconds,
            batch_size=8,
            learning_rate=1e-3,
            average_decay=0.99,
            checkpoint_every=10**9,
            tensorboard=False,
            device="cpu",
            threads=1,
            seed=seed,
        )
        data = TrainingSet(
            spec=SPEC, training=windows(learned), validation=None, fingerprint="drawn"
        )
        train_on(training, data)
        policy = load_policy(out)
    said = []
    for start in range(0, len(judged), TOGETHER):
        some = judged[start : start + TOGETHER]
        policy.reset(np.ones(len(some), np.bool_), list(range(start, start + len(some))))
        said.append(policy.act({"image": np.stack([picture(place) for place in some])}))
    return np.concatenate(said)


def errors(
    said: Float32, judged: NDArray[np.int64], learned: NDArray[np.int64]
) -> dict[str, float]:
    """Of places within the hull of the learned ones and of those beyond: median, root mean square, share of a pixel at most."""
    apart = np.linalg.norm(said - judged, axis=1)
    within = Delaunay(learned).find_simplex(judged) >= 0
    found = {}
    for where, these in (("within", apart[within]), ("beyond", apart[~within])):
        found[f"{where}_median_px"] = float(np.median(these))
        found[f"{where}_rms_px"] = float(np.sqrt(np.square(these).mean()))
        found[f"{where}_to_a_pixel"] = float((these <= 1).mean())
    return {**found, "share_within_hull": float(within.mean())}


def measure(kind: str, count: int, seeds: int, seconds: float) -> dict[str, Any]:
    found = []
    for seed in range(seeds):
        learned, judged = places(count, np.random.default_rng(seed))
        found.append(errors(answers(kind, learned, judged, seed, seconds), judged, learned))
    return {
        "kind": kind,
        "learned": count,
        "cpu_seconds": seconds,
        "by_seed": found,
        **{name: float(np.mean([each[name] for each in found])) for name in found[0]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=40.0, help="CPU time of each training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for count in LEARNED:
        for kind in CONFIGS:
            row = measure(kind, count, given.seeds, given.seconds)
            rows.append(row)
            print(
                f"{count} pictures, {kind:8}: "
                + "; ".join(
                    f"{where} the hull median {row[f'{where}_median_px']:.2f} px, "
                    f"rms {row[f'{where}_rms_px']:.2f}, to a pixel {row[f'{where}_to_a_pixel']:.0%}"
                    for where in ("within", "beyond")
                ),
                flush=True,
            )
    if given.out:
        write_result({"command": command("coordinates"), "rows": rows}, given.out)


if __name__ == "__main__":
    main()
