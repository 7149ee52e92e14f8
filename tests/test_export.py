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
import torch
from exported_policies import CASES, act_both, checkpoint
from small_policies import CONFIGS
from trials import PROFILE

from ibc_gym.atomic import swap_link
from ibc_gym.checkpoint import load_policy
from ibc_gym.errors import CheckpointError, ConfigError, SpecMismatch, TrainingDiverged
from ibc_gym.export import ExportConfig, export, hold_to_policy
from ibc_gym.policies.exporting.graph import exact
from ibc_gym.policies.nearest import NearestConfig
from ibc_gym.runtime import ExportedPolicy, load

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4

ONNX = (
    *("one-chain", "few-steps", "ensemble", "flow", "push-frame", "insert-frame", "pusht-frame"),
    *("autoregressive", "mdn-pixels", "mse-spectral", "particle-frame", "push-two-targets-frame"),
    "sort-frame",
    "langevin-swish",
)
"""What is tried as ONNX every time, every kind of policy among it; it is written by way of `torch.export`."""


def some(form: str) -> list[str]:
    """Every case in one of the two formats; the thorough profile tries each in both, which takes minutes."""
    return [name for name in CASES if PROFILE == "thorough" or (name in ONNX) == (form == "onnx")]


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


@pytest.mark.parametrize(
    ("case", "search", "constants"),
    [
        ("one-chain", "langevin", {"iterations": 20}),
        ("dfo-many", "dfo", {"iterations": 3, "temperature": 0.02}),
    ],
)
def test_searches_in_bfloat16_are_exported_in_single_precision(
    case: str, search: str, constants: dict[str, Any], tmp_path: Path
) -> None:
    config = CASES[case]
    in_half = replace(getattr(config, search), bfloat16=True, **constants)
    half = replace(config, **{search: in_half})
    folder = checkpoint(half, tmp_path / "policy")
    found = export(
        ExportConfig(run=str(folder), format="torch-export", out=tmp_path / "out", check=10)
    )
    ours, theirs, _ = act_both(exact(load_policy(folder)), load(found.folder))
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE, rtol=0)
    rounded, _, _ = act_both(load_policy(folder), load(found.folder))
    assert np.abs(rounded - ours).max() > 2 * TOLERANCE


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


def test_threads_of_a_policy_are_its_own(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has other work keeps its threads, and the graph is computed by as many as were asked for."""
    before = torch.get_num_threads()
    counts: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    policy = load(exported, threads=before + 1)
    assert counts == []
    policy.reset(0)
    policy.act({"state": np.ones(3, np.float32)})
    assert counts == [before + 1, before]


def test_what_a_policy_cannot_act_on_is_named(exported: Path) -> None:
    policy = load(exported)
    with pytest.raises(ConfigError, match="reset"):
        policy.act({"state": np.zeros(3, np.float32)})
    for seed in ("a", 0.5):
        with pytest.raises(ConfigError, match=f"a whole number, .* this one is {seed!r}"):
            policy.reset(seed)  # type: ignore[arg-type]
    policy.reset(0)
    for seen, message in (
        ({"robot": np.zeros(2)}, "takes 'state', but the observation holds robot"),
        ({}, "holds nothing"),
        (np.zeros(3), "a dictionary by input, {'state': ...}, not a ndarray"),
        ({"state": np.zeros((1, 3))}, "without a batch axis"),
        ({"state": np.full(3, np.nan)}, "must be finite"),
        ({"state": np.full(3, 1e300)}, "must be finite in single precision"),
        ({"state": ["a", "b", "c"]}, "holds <U1, but must hold numbers"),
        ({"state": np.full(3, 1j)}, "holds complex128, but must hold numbers"),
    ):
        with pytest.raises(SpecMismatch, match=message):
            policy.act(seen)  # type: ignore[arg-type]  # one of them is no observation


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


@pytest.mark.parametrize(("name", "version"), [("mse", 1), ("pixels", 2)])
def test_folder_asks_for_a_runtime_that_crops_where_pictures_are(
    name: str, version: int, checkpoints: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(ExportConfig(run=str(checkpoints(name)), format="torch-export", out=out, check=2))
    said = json.loads((out / "policy.json").read_text())
    assert said["format_version"] == version
    for each in said["inputs"]:  # as an earlier version wrote it
        del each["crop"]
    (out / "policy.json").write_text(json.dumps({**said, "format_version": 1}))
    assert all(each.crop is None for each in load(out).about.inputs)


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


def test_checkpoint_that_keeps_no_states_of_its_frame_is_to_be_trained_again(
    tmp_path: Path,
) -> None:
    folder = checkpoint(CASES["push-two-targets-frame"], tmp_path / "policy")
    written = export(ExportConfig(run=str(folder), format="torch-export", check=2)).folder
    policy: Any = load_policy(folder)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.fill_(torch.nan)
    with pytest.raises(TrainingDiverged):
        hold_to_policy(written, policy, 2)
    policy.codec.fit_result = replace(policy.codec.fit_result, excerpts=None)
    with pytest.raises(CheckpointError, match="Train the policy again"):
        hold_to_policy(written, policy, 2)


def test_export_that_acts_otherwise_is_refused(tmp_path: Path) -> None:
    folder = checkpoint(CONFIGS["mse"], tmp_path / "policy")
    written = export(ExportConfig(run=str(folder), format="torch-export", check=2)).folder
    policy: Any = load_policy(folder)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.mul_(1.01)
    with pytest.raises(CheckpointError, match="differs from the policy in 8 of 8 actions, by"):
        hold_to_policy(written, policy, 8)


def test_run_that_goes_on_meanwhile_is_exported_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "checkpoints"
    checkpoint(CONFIGS["mse"], there / "000010" / "pretrained_model")
    checkpoint(CONFIGS["mdn"], there / "000020" / "pretrained_model")
    swap_link(there / "best", "000010")

    def loaded_late(path: Any) -> Any:
        swap_link(there / "best", "000020")
        return load_policy(path)

    monkeypatch.setattr("ibc_gym.export.load_policy", loaded_late)
    written = export(ExportConfig(run=str(tmp_path), format="torch-export", check=4))
    said = json.loads((written.folder / "policy.json").read_text())["about"]
    assert said["checkpoint"] == str(there / "000010" / "pretrained_model")
    assert json.loads((written.folder / "policy.json").read_text())["policy"] == "mse"
    assert written.checked.agreeing == 4


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
