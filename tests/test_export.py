"""An exported policy does what the policy does, from the same seed, in either format."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from small_policies import CONFIGS, PICTURE, SMALL, trained
from trials import PROFILE

from ibc_gym.checkpoint import load_policy, save_policy
from ibc_gym.contracts import LearnedPolicy, PolicySpec
from ibc_gym.errors import CheckpointError, ConfigError, SpecMismatch, TrainingDiverged
from ibc_gym.export import ExportConfig, export
from ibc_gym.policies.base import WindowPolicy
from ibc_gym.policies.diffusion import DiffusionConfig
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.inputs import InputConfig
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.nearest import NearestConfig
from ibc_gym.policies.networks.factory import JointConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.policies.ranking import RankingConfig
from ibc_gym.records import Windows
from ibc_gym.registry import load as load_row
from ibc_gym.registry import make_policy
from ibc_gym.runtime import ExportedPolicy, load
from ibc_gym.tables import POLICIES

pytestmark = pytest.mark.slow

NAMES: dict[type[InputConfig], str] = {
    load_row(POLICIES, name, "policy").Config: name for name in POLICIES
}


def short(config: InputConfig) -> InputConfig:
    """The same with two rounds of every search: a graph has each of them written out, and a third adds time alone."""
    changes: dict[str, Any] = {}
    for name in ("dfo", "langevin", "autoregressive"):
        search = getattr(config, name, None)
        if search is not None:
            changes[name] = replace(search, iterations=2)
    for name in ("flow_steps", "denoising_steps"):
        if hasattr(config, name):
            changes[name] = 2
    return replace(config, **changes)


CASES: dict[str, InputConfig] = {
    **CONFIGS,
    "dfo-many": EBMConfig(late_fusion=SMALL, dfo=DFOConfig(samples=1500, keep_best=False)),
    "sqrt-std": MSEConfig(width=16, depth=2, history=1, feature_scale="sqrt_std"),
    "one-chain": EBMConfig(
        late_fusion=SMALL,
        optimiser="langevin",
        langevin=LangevinConfig(samples=16, iterations=4),
    ),
    "langevin-swish": EBMConfig(
        network="joint",
        joint=JointConfig(width=16, depth=2, activation="swish"),
        optimiser="langevin",
        langevin=LangevinConfig(samples=16, iterations=4),
    ),
    "few-steps": DiffusionConfig(
        width=16,
        depth=2,
        horizon=4,
        execute=2,
        field_width=16,
        field_blocks=1,
        noise_steps=10,
        denoising_steps=3,
        eta=0.5,
    ),
    "ensemble": MSEConfig(width=16, depth=2, horizon=4, ensemble=0.3),
    "push-frame": EBMConfig(
        late_fusion=SMALL,
        frame="push",
        action_normalisation="isotropic",
        dfo=DFOConfig(samples=32, iterations=2),
        horizon=2,
    ),
    "particle-frame": RankingConfig(
        late_fusion=SMALL, history=1, frame="particle", action_normalisation="isotropic"
    ),
    "push-two-targets-frame": MSEConfig(
        width=16, depth=2, frame="push-two-targets", action_normalisation="isotropic"
    ),
    "insert-frame": RankingConfig(
        late_fusion=SMALL,
        frame="insert",
        action_normalisation="isotropic",
        action_knee=0.03,
        horizon=3,
        execute=2,
    ),
    "sort-frame": RankingConfig(
        late_fusion=SMALL, frame="sort", action_normalisation="isotropic", horizon=2
    ),
    "pusht-frame": MSEConfig(
        width=16, depth=2, frame="pusht", action_normalisation="isotropic", horizon=3, execute=2
    ),
}
CASES = {name: short(config) for name, config in CASES.items()}
TABLE = np.array([np.pi, *(0.4, 0.3) * 3, np.pi, 0.4, 0.3], np.float32)
BLOCKS = ([-np.pi, 0.15, -0.3] * 4, [np.pi, 0.6, 0.3] * 4)
SORT_LOW, SORT_HIGH = (np.array([*blocks, *blocks[1:3], *blocks], np.float32) for blocks in BLOCKS)
SPACES: dict[str | None, tuple[spaces.Box, spaces.Box]] = {
    None: (spaces.Box(-1, 1, (3,), np.float32), spaces.Box(-0.9, 2, (2,), np.float32)),
    "particle": (spaces.Box(-1, 1, (12,), np.float32), spaces.Box(0, 1, (3,), np.float32)),
    "push-two-targets": (
        spaces.Box(-np.hstack([TABLE, TABLE[-3:]]), np.hstack([TABLE, TABLE[-3:]])),
        spaces.Box(-0.05, 0.05, (2,), np.float32),
    ),
    "push": (spaces.Box(-TABLE, TABLE), spaces.Box(-0.05, 0.05, (2,), np.float32)),
    "insert": (spaces.Box(-TABLE, TABLE), spaces.Box(-0.05, 0.05, (2,), np.float32)),
    "sort": (spaces.Box(SORT_LOW, SORT_HIGH), spaces.Box(-0.1, 0.1, (2,), np.float32)),
    "pusht": (
        spaces.Box(np.zeros(5, np.float32), np.array([512] * 4 + [2 * np.pi], np.float32)),
        spaces.Box(0, 512, (2,), np.float32),
    ),
}
"""States and actions as they are at home in a canonical frame, and elsewhere."""
TOLERANCE = 1e-4


def toy_spec(config: InputConfig) -> PolicySpec:
    state, action = SPACES[config.frame]
    inputs: dict[str, spaces.Space[Any]] = {
        "state": state,
        "robot": spaces.Box(-1, 1, (2,), np.float32),
    }
    if config.image_inputs:
        inputs["image"] = spaces.Box(0, 255, PICTURE, np.uint8)
    return PolicySpec(
        task="toy",
        observation_space=spaces.Dict(inputs),
        action_space=action,
        control_period=0.1,
    )


def toy_windows(config: InputConfig) -> Windows:
    """What there is to learn is a bend of the state, so that energies tell actions apart."""
    rng, count = np.random.default_rng(0), 200
    state, action = SPACES[config.frame]
    seen = rng.uniform(-1, 1, (count, *state.shape)).astype(np.float32)
    frames: dict[str, Any] = {
        "state": (state.low + state.high + seen * (state.high - state.low)) / 2,
        "robot": (seen[:, :2] + rng.normal(0, 0.1, (count, 2))).astype(np.float32),
    }
    if config.image_inputs:
        frames["image"] = rng.integers(0, 256, (count, *PICTURE)).astype(np.uint8)
    reach = np.minimum(np.abs(action.low), action.high) if config.frame is None else action.high / 2
    return Windows(
        frames=frames,
        index=np.maximum(np.arange(count)[:, None] + np.arange(1 - config.history, 1), 0),
        action=(reach * np.sin(2 * seen[:, : len(reach)])).astype(np.float32),
        episode=np.zeros(count, np.int64),
    )


def checkpoint(config: InputConfig, folder: Path) -> Path:
    """A policy that was trained for a moment, on the disk."""
    import torch

    windows = toy_windows(config)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made: Any = make_policy(NAMES[type(config)], toy_spec(config), config)
    made.fit(windows)
    if type(config) is not NearestConfig:
        trained(made, windows, steps=30)
    save_policy(folder, NAMES[type(config)], made)
    return folder


def act_both(
    policy: LearnedPolicy, exported: ExportedPolicy, episodes: int = 4, steps: int = 8
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What both do, (N, A) each, in the same made-up episodes; and how far apart they say they are sure, (N,).

    The least sure of all is 1; what differs as a share of itself and by as little counts nothing.
    """
    assert isinstance(policy, WindowPolicy)
    space = policy.spec.observation_space
    space.seed(3)
    ours, theirs, apart = [], [], []
    for seed in range(episodes):
        policy.reset(np.ones(1, np.bool_), [seed])
        exported.reset(seed)
        for _ in range(steps):
            seen: dict[str, Any] = space.sample()
            ours.append(policy.act({name: frame[None] for name, frame in seen.items()})[0])
            theirs.append(exported.act(seen))
            expected, said = policy.uncertainty(), exported.uncertainty()
            assert said.keys() == expected.keys()
            apart.append(max(abs(said[name] - expected[name][0]) for name in said) if said else 0.0)
    return np.array(ours), np.array(theirs), np.array(apart)


ONNX = (
    *("one-chain", "few-steps", "ensemble", "flow", "push-frame", "insert-frame", "pusht-frame"),
    *("autoregressive", "mdn-pixels", "mse-spectral", "particle-frame", "push-two-targets-frame"),
    "sort-frame",
    "langevin-swish",
)
"""What is tried as ONNX every time, every kind of policy among it; it is written by way of `torch.export`."""
FAST = ("one-chain", "few-steps", "ensemble", "mse", "mdn")
"""What `make fast` tries, all of it small."""


def some(form: str) -> list[Any]:
    """Every case in one of the two formats; the thorough profile tries each in both, which takes minutes."""
    names = [name for name in CASES if PROFILE == "thorough" or (name in ONNX) == (form == "onnx")]
    return [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Checkpoints by their case, each trained once."""
    there = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda name: checkpoint(CASES[name], there / name))


@pytest.mark.parametrize("name", some("torch-export"))
def test_torch_export_acts_like_the_policy(
    name: str, checkpoints: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoints(name)
    found = export(
        ExportConfig(run=str(folder), format="torch-export", out=tmp_path / "out", check=10)
    )
    ours, theirs, apart = act_both(load_policy(folder), load(found.folder))
    assert ours.std(axis=0).min() > 1e-3
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE, rtol=0)
    assert apart.max() < 1e-3


@pytest.mark.parametrize("name", some("onnx"))
def test_onnx_acts_like_the_policy(
    name: str, checkpoints: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoints(name)
    found = export(ExportConfig(run=str(folder), format="onnx", out=tmp_path / "out", check=10))
    ours, theirs, apart = act_both(load_policy(folder), load(found.folder))
    same = np.isclose(ours, theirs, atol=TOLERANCE, rtol=1e-6).all(axis=1)
    assert same.mean() >= 0.95  # rounding decides between candidates that are equally good
    assert np.median(apart[same]) < 1e-3


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that was exported, one of an explicit policy with a history of two."""
    there = tmp_path_factory.mktemp("exported")
    run = checkpoint(CONFIGS["mse"], there / "policy")
    return export(
        ExportConfig(run=str(run), format="torch-export", out=there / "out", check=2)
    ).folder


def test_policy_json_says_what_a_robot_needs(exported: Path) -> None:
    about = load(exported).about
    assert (about.task, about.policy, about.history) == ("toy", "mse", 2)
    assert about.control_period == 0.1
    assert [(each.name, each.shape, each.dtype) for each in about.inputs] == [
        ("state", (3,), "float32")
    ]
    np.testing.assert_allclose(about.action_low, -0.9)
    assert json.loads((exported / "policy.json").read_text())["checked"]["observations"] == 2


def test_episode_that_begins_forgets_the_one_before(exported: Path) -> None:
    policy = load(exported)
    policy.reset(0)
    first = policy.act({"state": np.ones(3, np.float32)})
    policy.act({"state": -np.ones(3, np.float32)})
    after_another = policy.act({"state": np.ones(3, np.float32)})
    policy.reset(0)
    again = policy.act({"state": np.ones(3, np.float32)})
    assert np.array_equal(first, again)
    assert not np.array_equal(first, after_another)


def test_what_a_policy_cannot_act_on_is_named(exported: Path) -> None:
    policy = load(exported)
    with pytest.raises(ConfigError, match="reset"):
        policy.act({"state": np.zeros(3, np.float32)})
    policy.reset(0)
    for seen, message in (
        ({"robot": np.zeros(2)}, "takes 'state', but the observation holds robot"),
        ({"state": np.zeros((1, 3))}, "without a batch axis"),
        ({"state": np.full(3, np.nan)}, "must be finite"),
    ):
        with pytest.raises(SpecMismatch, match=message):
            policy.act(seen)


def test_answer_that_is_not_finite_stops_the_policy(exported: Path) -> None:
    about = load(exported).about
    broken = ExportedPolicy(
        about,
        lambda arguments: [np.full((1, 2), np.nan), *(np.zeros(1) for _ in about.outputs[1:])],
    )
    broken.reset(0)
    with pytest.raises(TrainingDiverged, match="action is"):
        broken.act({"state": np.zeros(3, np.float32)})


@pytest.mark.parametrize("harm", ["version", "format", "json", "key", "model", "missing"])
def test_damaged_folder_says_what_to_do(exported: Path, tmp_path: Path, harm: str) -> None:
    folder = shutil.copytree(exported, tmp_path / "copy")
    about = folder / "policy.json"
    said = json.loads(about.read_text())
    changes: dict[str, dict[str, Any]] = {
        "version": {"format_version": 99},
        "format": {"format": "other"},
    }
    if harm in changes:
        about.write_text(json.dumps({**said, **changes[harm]}))
    elif harm == "json":
        about.write_text(about.read_text()[:100])
    elif harm == "key":
        del said["inputs"]
        about.write_text(json.dumps(said))
    elif harm == "model":
        (folder / "model.pt2").write_bytes((folder / "model.pt2").read_bytes()[:-7])
    else:
        (folder / "model.pt2").unlink()
    with pytest.raises(CheckpointError, match=r"again|install|ibc-gym export"):
        load(folder)


def test_policy_that_cannot_be_exported_says_which_can(tmp_path: Path) -> None:
    folder = checkpoint(NearestConfig(), tmp_path / "policy")
    with pytest.raises(
        ConfigError,
        match="those that can are ebm, autoregressive, ranking, mse, mdn, diffusion, flow",
    ):
        export(ExportConfig(run=str(folder)))
    assert not (folder / "exported").exists()


def test_folder_that_is_something_else_is_kept(tmp_path: Path) -> None:
    folder = checkpoint(CONFIGS["mse"], tmp_path / "policy")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("all of it")
    with pytest.raises(ConfigError, match="give another folder"):
        export(ExportConfig(run=str(folder), out=mine))
    assert (mine / "thesis.txt").exists()


def test_export_of_another_checkpoint_lies_beside_that_of_the_best(tmp_path: Path) -> None:
    there = tmp_path / "checkpoints"
    for name in ("best", "last"):
        checkpoint(CONFIGS["mse"], there / name / "pretrained_model")
    written = [
        export(ExportConfig(run=str(path), format="torch-export", check=2)).folder
        for path in (tmp_path, there / "best", there / "last")
    ]
    best = tmp_path / "exported" / "torch-export"
    assert written == [best, best, tmp_path / "exported" / "torch-export-last"]
    said = json.loads((best / "policy.json").read_text())["about"]["checkpoint"]
    assert said == str(there / "best" / "pretrained_model")


BLOCKED = (
    "mujoco", "pybullet", "gymnasium", "scipy", "zarr", "tyro", "rich", "safetensors",
    "ibc_gym.training", "ibc_gym.policies", "ibc_gym.envs", "ibc_gym.registry",
)  # fmt: skip
ALONE = """
import importlib.abc, json, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in BLOCKED):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in BLOCKED else found(name, package)
import numpy as np
from ibc_gym.runtime import load
policy = load(sys.argv[1])
policy.reset(7)
action = policy.act({"state": np.full(3, 0.25, np.float32)})
print(json.dumps({"action": action.tolist(), "torch": "torch" in sys.modules}))
"""


@pytest.mark.parametrize("form", ["torch-export", "onnx"])
def test_runtime_needs_numpy_and_its_engine_alone(form: str, tmp_path: Path) -> None:
    run = checkpoint(CONFIGS["mse"], tmp_path / "policy")
    found = export(ExportConfig(run=str(run), format=form, check=2))
    policy = load_policy(run)
    policy.reset(np.ones(1, np.bool_), [7])
    expected = policy.act({"state": np.full((1, 3), 0.25, np.float32)})[0]
    blocked = (*BLOCKED, *(("torch",) if form == "onnx" else ("onnxruntime",)))
    done = subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {blocked!r}\n{ALONE}", str(found.folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    np.testing.assert_allclose(said["action"], expected, atol=TOLERANCE)
    assert said["torch"] == (form == "torch-export")
