"""Makes the pictures of the README from the simulator: `python docs/make_images.py`."""

from pathlib import Path

import numpy as np

from ibc_gym.evaluation.film import jpeg
from ibc_gym.registry import make_oracle, make_vec_env

FOLDER = Path(__file__).parent / "images"
STEPS = (0, 12, 24, 36)
SEED = 4


def push_strip() -> None:
    """The oracle at work, as the policy's own camera sees it."""
    envs = make_vec_env("push", 1, observation="state+image", autoreset_mode="disabled")
    oracle = make_oracle("push", envs)
    observation, _ = envs.reset(seed=[SEED])
    oracle.reset(np.ones(1, np.bool_), [SEED])
    pictures = []
    for step in range(max(STEPS) + 1):
        if step in STEPS:
            pictures.append(observation["image"][0])
        observation, *_ = envs.step(oracle.act(observation))
    envs.close()
    (FOLDER / "push.jpg").write_bytes(jpeg(np.concatenate(pictures, axis=1)))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    push_strip()
