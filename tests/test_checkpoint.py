"""A checkpoint is all that is needed, runs no code, says what is wrong with it, and knows what it fits."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

import ibc_gym
from ibc_gym.checkpoint import (
    PRETRAINED,
    WEIGHTS,
    check_fits,
    find_policy,
    load_policy,
    read_config,
    save_policy,
    step_folders,
)
from ibc_gym.contracts import LearnedPolicy, PolicySpec
from ibc_gym.errors import CheckpointError, SpecMismatch
from ibc_gym.loading import load
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.serialise import from_json, to_json
from ibc_gym.specs import spec_from_json, spec_to_json, task_name
from ibc_gym.tables import POLICIES

SPEC = PolicySpec(
    task="particle",
    observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (8,))}),
    action_space=spaces.Box(0, 1, (2,)),
    control_period=0.05,
)


def trained(name: str, spec: PolicySpec = SPEC) -> LearnedPolicy:
    rng = np.random.default_rng(0)
    state = rng.normal(size=(40, *(spec.observation_space["state"].shape or ()))).astype(np.float32)
    windows = Windows(
        frames={"state": state},
        index=np.stack([np.maximum(np.arange(40) - 1, 0), np.arange(40)], axis=1),
        action=rng.uniform(size=(40, *(spec.action_space.shape or ()))).astype(np.float32),
        episode=np.zeros(40, np.int64),
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = make_policy(name, spec)
    policy.fit(windows)
    return policy


@pytest.fixture(scope="module")
def original() -> LearnedPolicy:
    return trained("mse")


@pytest.fixture
def folder(tmp_path: Path, original: LearnedPolicy) -> Path:
    path = tmp_path / "run" / "checkpoints" / "000100" / PRETRAINED
    save_policy(path, "mse", original, {"step": 100})
    return path


def actions(policy: LearnedPolicy) -> np.ndarray[Any, Any]:
    observation = {"state": np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)}
    policy.reset(np.ones(3, np.bool_), [0, 1, 2])
    return np.stack([policy.act(observation) for _ in range(2)])


@pytest.mark.parametrize("name", list(POLICIES))
def test_loaded_policy_acts_as_the_saved_one(tmp_path: Path, name: str) -> None:
    policy: Any = trained(name)
    save_policy(tmp_path, name, policy)
    loaded = load_policy(tmp_path)
    assert loaded.config == policy.config
    assert spec_to_json(loaded.spec) == spec_to_json(policy.spec)
    policy.eval()
    np.testing.assert_array_equal(actions(loaded), actions(policy))


def test_weights_that_cannot_be_written_are_told_with_the_file_and_what_to_do(
    tmp_path: Path, original: LearnedPolicy
) -> None:
    (tmp_path / WEIGHTS).mkdir()
    with pytest.raises(CheckpointError, match=rf"{WEIGHTS}.*go on with --resume"):
        save_policy(tmp_path, "mse", original)


def test_loaded_policy_is_in_evaluation_mode(folder: Path) -> None:
    loaded: Any = load_policy(folder)
    assert not loaded.training


@pytest.mark.parametrize(
    "path_of",
    [
        lambda folder: folder,
        lambda folder: folder.parent,
        lambda folder: folder.parent.parent,
        lambda folder: folder.parent.parent.parent,
        lambda folder: str(folder.parent.parent.parent),
    ],
)
def test_run_checkpoints_step_and_policy_folder_are_all_understood(
    folder: Path, path_of: Callable[[Path], Path]
) -> None:
    (folder.parent.parent / "best").symlink_to("000100")
    found = find_policy(path_of(folder))
    assert found.resolve() == folder.resolve()


def test_run_stands_for_its_best_checkpoint(folder: Path, original: LearnedPolicy) -> None:
    checkpoints = folder.parent.parent
    save_policy(checkpoints / "000200" / PRETRAINED, "mse", original, {"step": 200})
    (checkpoints / "best").symlink_to("000100")
    (checkpoints / "last").symlink_to("000200")
    assert read_config(checkpoints.parent)["about"]["step"] == 100
    (checkpoints / "best").unlink()
    assert read_config(checkpoints.parent)["about"]["step"] == 200
    (checkpoints / "last").unlink()  # links are lost by some ways of copying
    assert read_config(checkpoints.parent)["about"]["step"] == 200


def test_steps_are_listed_by_number_without_links_and_leftovers(tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    for name in ("1000000", "999999", "000020", ".unfinished-000030-1"):
        (checkpoints / name).mkdir(parents=True)
    (checkpoints / "last").symlink_to("000020")
    assert [path.name for path in step_folders(tmp_path)] == ["000020", "999999", "1000000"]


def test_folder_holds_safetensors_json_and_a_card_only(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "fitted.json", "model.safetensors", "README.md"}


def test_card_tells_people_what_it_is(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    for words in ("library_name: ibc-gym", "`mse`", "`particle`", "0.05 s", "ibc-gym eval"):
        assert words in card


class Bomb:
    """Goes off when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("name", ["model.safetensors", "fitted.json", "config.json"])
def test_pickle_in_disguise_is_refused_and_never_executed(folder: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match=name):
        load_policy(folder)


def test_torch_pickle_with_a_right_checksum_is_not_executed_either(folder: Path) -> None:
    torch.save({"x": Bomb()}, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config["sha256"] = {}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_policy(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "fitted.json"])
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"incomplete: {name} is missing"):
        load_policy(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "fitted.json"])
def test_changed_file_is_noticed(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-2] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match=f"{name} is not what was saved"):
        load_policy(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "other"}', "\x00"])
def test_damaged_config_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json is"):
        load_policy(folder)


def change(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_later_format_is_refused_with_what_to_install(folder: Path) -> None:
    change(folder, format_version=2, versions={"ibc-gym": "9.0"})
    with pytest.raises(CheckpointError, match=r"format version 2.*install ibc-gym==9\.0"):
        load_policy(folder)


def test_setting_that_this_version_does_not_know_is_named_with_the_version_that_does(
    folder: Path,
) -> None:
    config = json.loads((folder / "config.json").read_text())["config"]
    change(folder, config={**config, "magic": 1}, versions={"ibc-gym": "9.0"})
    with pytest.raises(CheckpointError, match=r"magic.*written by ibc-gym 9\.0"):
        load_policy(folder)


def test_weights_that_do_not_fit_the_config_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())["config"]
    change(folder, config={**config, "width": 32})
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_policy(folder)


def test_policy_that_no_table_knows_is_refused(folder: Path) -> None:
    change(folder, type="mze")
    with pytest.raises(CheckpointError, match="Did you mean 'mse'"):
        load_policy(folder)


def test_missing_path_and_run_without_checkpoint_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no"):
        load_policy(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        load_policy(tmp_path)


def test_loading_writes_nothing_and_works_from_a_read_only_folder(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    load_policy(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")} == before
    folder.chmod(0o755)


def test_checkpoint_can_be_moved_and_copied(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    load_policy(tmp_path / "elsewhere")


def test_spec_comes_back_from_json() -> None:
    again = spec_from_json(json.loads(json.dumps(spec_to_json(SPEC))))
    assert (again.task, again.control_period) == (SPEC.task, SPEC.control_period)
    assert again.observation_space == SPEC.observation_space
    assert again.action_space == SPEC.action_space


class Room(gymnasium.Env[dict[str, Any], Any]):
    """An environment with the spaces that it is told."""

    def __init__(self, observation: Mapping[str, spaces.Space[Any]], action: spaces.Box) -> None:
        self.observation_space = spaces.Dict(dict(observation))
        self.action_space = action


BOX = {"state": spaces.Box(-1, 1, (8,))}


def test_environment_with_the_policys_spaces_fits_and_may_show_more(
    original: LearnedPolicy,
) -> None:
    more: dict[str, spaces.Space[Any]] = {**BOX, "image": spaces.Box(0, 255, (4, 4, 3), np.uint8)}
    check_fits(original, Room(more, SPEC.action_space))
    check_fits(original, SyncVectorEnv([lambda: Room(BOX, SPEC.action_space)] * 2))


@pytest.mark.parametrize(
    "observation, action, words",
    [
        ({"state": spaces.Box(-1, 1, (9,))}, SPEC.action_space, r"'state'.*\(8,\).*\(9,\)"),
        ({"robot": spaces.Box(-1, 1, (8,))}, SPEC.action_space, r"'state'.*missing"),
        (BOX, spaces.Box(0, 1, (3,)), r"action.*\(2,\).*\(3,\)"),
        (BOX, spaces.Box(0, 2, (2,)), r"action.*\[0, 1\].*\[0, 2\]"),
    ],
)
def test_other_spaces_are_refused_naming_both(
    original: LearnedPolicy, observation: dict[str, spaces.Box], action: spaces.Box, words: str
) -> None:
    with pytest.raises(SpecMismatch, match=words):
        check_fits(original, Room(observation, action))


@pytest.mark.parametrize("many", [False, True])
def test_policy_of_another_task_is_refused_even_where_spaces_agree(many: bool) -> None:
    env: Any = ibc_gym.make_vec_env("particle", 2) if many else ibc_gym.make_env("particle")
    assert task_name(env) == "particle"
    action = env.single_action_space if many else env.action_space
    observation = env.single_observation_space if many else env.observation_space
    made: dict[str, Any] = {
        "observation_space": observation,
        "action_space": action,
        "control_period": 0.05,
    }
    check_fits(trained("mse", PolicySpec(task="particle", **made)), env)
    with pytest.raises(SpecMismatch, match=r"trained on 'push'.*environment is 'particle'"):
        check_fits(trained("mse", PolicySpec(task="push", **made)), env)
    env.close()


def test_every_policy_of_the_registry_has_a_config_that_survives_json() -> None:
    for name in POLICIES:
        config = load(POLICIES, name, "policy").Config()
        assert from_json(type(config), json.loads(json.dumps(to_json(config)))) == config


def test_policy_for_other_options_is_told_which(tmp_path: Path) -> None:
    one, three = (ibc_gym.make_env("particle", dimensions=size) for size in (1, 3))
    made: dict[str, Any] = {
        "observation_space": three.observation_space,
        "action_space": three.action_space,
    }
    spec = PolicySpec(
        task="particle",
        control_period=0.05,
        task_config={"dimensions": 3, "horizon": 50},
        **made,
    )
    save_policy(tmp_path, "mse", trained("mse", spec))
    with pytest.raises(SpecMismatch, match=r"give --task\.dimensions 3$"):
        check_fits(load_policy(tmp_path), one)
    for env in (one, three):
        env.close()
