"""Any `.npz` of the layout becomes a data set; what does not fit is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.data.dataset import Dataset
from ibc_gym.data.importer import ImportConfig, import_npz
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.registry import make_env


def arrays(lengths: list[int], *, states: int = 5, actions: int = 2, **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    rows = sum(lengths)
    return {
        "observations": rng.normal(size=(rows, states)).astype(np.float32),
        "actions": rng.uniform(0, 500, (rows, actions)).astype(np.float32),
        "rewards": np.arange(rows, dtype=np.float32),
        "episode_ends": np.cumsum(lengths),
        **more,
    }


def save(path: Path, content: dict[str, Any]) -> Path:
    np.savez_compressed(path, **content)
    return path


def given_all(source: Path, out: Path, **changes: Any) -> ImportConfig:
    """A config that needs no environment."""
    fields: dict[str, Any] = {
        "task": "theirs",
        "control_period": 0.1,
        "action_low": (0.0,),
        "action_high": (512.0,),
    }
    return ImportConfig(source=source, out=out, **{**fields, **changes})


@settings(
    deadline=None,
    max_examples=trials(15),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=5), states=st.integers(1, 4))
def test_any_file_of_the_layout_comes_back(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], states: int
) -> None:
    folder = tmp_path_factory.mktemp("import")
    content = arrays(lengths, states=states)
    summary = import_npz(given_all(save(folder / "a.npz", content), folder / "d.zarr"))
    dataset = Dataset.open(folder / "d.zarr", verify=True)
    assert dataset.lengths.tolist() == lengths and summary.episodes == len(lengths)
    assert np.array_equal(dataset.column("observation.state"), content["observations"])
    assert np.array_equal(dataset.column("action"), content["actions"])
    assert np.array_equal(dataset.column("reward"), content["rewards"])
    ends = np.array(dataset.episode_ends) - 1
    assert np.flatnonzero(dataset.column("truncated")).tolist() == ends.tolist()


def test_extra_arrays_are_kept_by_their_first_axis(tmp_path: Path) -> None:
    content = arrays(
        [3, 2],
        contacts=np.arange(10.0).reshape(5, 2),
        init_pose=np.ones((2, 3)),
        quality=np.array([7, 8]),
        next_observations=np.full((5, 5), 4.0),
        success=np.array([0, 1, 0, 0, 1], np.bool_),
        joint_names=np.array(["a", "b", "c"]),
        huge=np.zeros(5000),
    )
    summary = import_npz(given_all(save(tmp_path / "a.npz", content), tmp_path / "d.zarr"))
    dataset = Dataset.open(tmp_path / "d.zarr")
    assert np.array_equal(dataset.column("extra.contacts"), content["contacts"])
    assert np.array_equal(dataset.fact("start.pose"), content["init_pose"])
    assert np.array_equal(dataset.fact("extra.quality"), content["quality"])
    assert dataset.fact("final_observation.state").tolist() == [[4.0] * 5] * 2
    assert dataset.success.tolist() == [False, True]  # as it is at the last step
    assert dataset.metadata.source["arrays"]["joint_names"] == ["a", "b", "c"]
    assert summary.arrays["huge"] == "left out"


def test_other_arrays_can_be_the_action_and_the_reward(tmp_path: Path) -> None:
    content = arrays([4], unclipped=np.full((4, 2), 9.0), sparse=np.ones(4))
    config = given_all(
        save(tmp_path / "a.npz", content), tmp_path / "d.zarr", action="unclipped", reward="sparse"
    )
    import_npz(config)
    dataset = Dataset.open(tmp_path / "d.zarr")
    assert dataset.column("action").tolist() == [[9.0, 9.0]] * 4
    assert dataset.column("reward").tolist() == [1.0] * 4
    assert np.array_equal(dataset.column("extra.actions_original"), content["actions"])


@pytest.mark.parametrize(
    ("name", "task", "states", "actions", "period"),
    [
        ("door_human_v0", "gym:AdroitHandDoor-v1", 39, 28, 0.01),
        ("relocate-human", "gym:AdroitHandRelocate-v1", 39, 30, 0.01),
        ("kitchen_complete_v2", "gym:FrankaKitchen-v1", 59, 9, 0.08),
        ("kitchen_complete_v0_shard", "gym:FrankaKitchen-v1", 60, 9, 0.08),
        ("pusht_human", "gym:gym_pusht/PushT-v0", 5, 2, 0.1),
    ],
)
def test_name_of_the_file_tells_the_environment_and_that_tells_the_spaces(
    tmp_path: Path, name: str, task: str, states: int, actions: int, period: float
) -> None:
    source = save(tmp_path / f"{name}.npz", arrays([3], states=states, actions=actions))
    summary = import_npz(ImportConfig(source=source, out=tmp_path / "d.zarr"))
    dataset = Dataset.open(tmp_path / "d.zarr")
    assert summary.guessed and summary.task == dataset.metadata.task == task
    assert dataset.metadata.control_period == pytest.approx(period)
    options = dict(dataset.metadata.config)
    env = make_env(task, layout=options["layout"], **options["options"])
    assert dataset.spec.observation_space == env.observation_space
    assert dataset.spec.action_space == env.action_space
    env.close()


def test_unknown_name_of_a_file_asks_for_the_task(tmp_path: Path) -> None:
    source = save(tmp_path / "mystery.npz", arrays([3]))
    with pytest.raises(ConfigError, match="does not say what it is for"):
        import_npz(ImportConfig(source=source, out=tmp_path / "d.zarr"))


def test_other_sizes_than_the_environments_are_told(tmp_path: Path) -> None:
    source = save(tmp_path / "pusht.npz", arrays([3], states=7))
    with pytest.raises(SpecMismatch, match=r"observations of shape \(7,\), but .* has \(5,\)"):
        import_npz(ImportConfig(source=source, out=tmp_path / "d.zarr"))


def test_actions_outside_the_bounds_are_counted_and_kept(tmp_path: Path) -> None:
    content = arrays([3])
    content["actions"][1, 0] = 600
    summary = import_npz(given_all(save(tmp_path / "a.npz", content), tmp_path / "d.zarr"))
    assert summary.actions_outside == 1
    assert Dataset.open(tmp_path / "d.zarr").column("action")[1, 0] == 600


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"episode_ends": np.array([2, 2, 5])}, "episode_ends of .* must grow and end at 5"),
        ({"episode_ends": np.array([2, 4])}, "must grow and end at 5"),
        ({"episode_ends": np.array([2.5, 5.0])}, "must grow and end at 5"),
        ({"episode_ends": np.array([], np.int64)}, "must grow and end at 5"),
        ({"actions": np.zeros((4, 2))}, "5 observations and 4 actions"),
        (
            {"actions": np.full((5, 2), np.nan)},
            r"actions of .* is not finite in row 0 \(step 0 of episode 0\): nan",
        ),
        (
            {"observations": np.where(np.arange(25).reshape(5, 5) == 22, 1e300, 0.0)},
            r"observations of .* beyond the range of float32 in row 4 \(step 1 of episode 1\): 1e\+300",
        ),
        (
            {"observations": 1.7e9 + np.arange(25).reshape(5, 5) / 10},
            r"Column 0 of observations of .* goes from 1700000000.0 to 1700000002.0; .* off by up to",
        ),
        (
            {"next_observations": 1.7e9 + np.arange(25).reshape(5, 5) / 10},
            "Column 0 of next_observations .* off by up to",
        ),
        (
            {"final_observations": 1.7e9 + np.arange(10).reshape(2, 5) / 10},
            "Column 0 of final_observations .* off by up to",
        ),
        ({"final_observations": np.full((2, 5), np.inf)}, "final_observations .* in row 0: inf"),
        ({"observations": np.zeros(5)}, r"observations .* shape \(5,\), but must have one row"),
        ({"actions": np.zeros(5)}, r"actions .* shape \(5,\).*reshape"),
        ({"observations": np.zeros((5, 4, 4))}, r"observations .* shape \(5, 4, 4\)"),
        ({"observations": np.zeros((5, 0))}, r"observations .* shape \(5, 0\)"),
        (
            {"observations": np.full((5, 2), "a")},
            "observations .* holds <U1, but must hold numbers",
        ),
        ({"rewards": np.zeros(4)}, r"rewards .* shape \(4,\), but must be numbers of shape \(5,\)"),
        (
            {"rewards": np.zeros((5, 1))},
            r"must be numbers of shape \(5,\): .* 5 steps in 2 episodes",
        ),
        ({"success": np.array(["no"] * 5)}, "success of .* must be numbers"),
        ({"next_observations": np.zeros((5, 3))}, r"next_observations .* shape \(5, 5\)"),
    ],
)
def test_broken_files_are_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    source = save(tmp_path / "a.npz", {**arrays([3, 2]), **changes})
    with pytest.raises((ConfigError, SpecMismatch), match=complaint):
        import_npz(given_all(source, tmp_path / "d.zarr"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_numbers_that_all_but_stand_still_are_no_loss(tmp_path: Path) -> None:
    """A quaternion's largest number, noise of a sensor, air pressure: that float32 merges some of them loses next to nothing."""
    content = arrays([3, 2])
    content["observations"][:, 0] = 1 + 1e-9 * np.arange(5)
    content["observations"][:, 1] = 1e6 + 100 * np.arange(5)
    content["observations"][:, 2] = 101_325 + 0.1 * np.sin(np.arange(5))
    import_npz(given_all(save(tmp_path / "a.npz", content), tmp_path / "d.zarr"))


def test_import_that_fails_midway_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: Any) -> None:
        raise OSError("No space left on device")

    source = save(tmp_path / "a.npz", arrays([3, 2]))
    monkeypatch.setattr("ibc_gym.data.storage._write_array", full_disk)
    with pytest.raises(OSError, match="No space left"):
        import_npz(given_all(source, tmp_path / "d.zarr"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"control_period": None}, "'theirs' is no task of ours .* give --control-period"),
        ({"action_low": None, "action_high": None}, "'theirs' is no task of ours .* all three"),
        ({"action_low": (1.0,), "action_high": (-1.0,)}, "is not below"),
        ({"action_low": (0.0, 0.0), "action_high": (1.0, 0.0)}, "is not below"),
        ({"action_low": (0.0, 0.0), "action_high": (1.0, 1.0, 1.0)}, "2 numbers and action_high"),
        ({"action_low": (0.0,) * 3}, "action_low has 3 numbers, but actions of .* have 2"),
    ],
)
def test_bounds_that_make_no_sense_are_told(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    source = save(tmp_path / "a.npz", arrays([3, 2]))
    with pytest.raises(ConfigError, match=complaint):
        import_npz(given_all(source, tmp_path / "d.zarr", **changes))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_folder_is_filled_only_if_nothing_is_in_it(tmp_path: Path) -> None:
    source = save(tmp_path / "a.npz", arrays([3, 2]))
    (tmp_path / "empty").mkdir()
    import_npz(given_all(source, tmp_path / "empty"))
    assert len(Dataset.open(tmp_path / "empty")) == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        import_npz(given_all(source, tmp_path / "file"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter").write_text("dear")
    with pytest.raises(ConfigError, match="no data set and holds 'letter'"):
        import_npz(given_all(source, tmp_path / "other"))
    assert (tmp_path / "other" / "letter").read_text() == "dear"


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\3\4 but no more"])
def test_other_files_are_no_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.npz").write_bytes(content)
    with pytest.raises(ConfigError, match=r"no \.npz file of plain arrays") as error:
        import_npz(given_all(tmp_path / "other.npz", tmp_path / "d.zarr"))
    assert "pickle" not in str(error.value)


@settings(
    deadline=None,
    max_examples=trials(15),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.floats(0, 1, exclude_max=True), keep=st.booleans())
def test_damaged_files_are_refused_by_name_or_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, place: float, keep: bool
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(save(folder / "a.npz", arrays([3, 2])).read_bytes())
    at = int(place * len(content))
    damaged = (
        content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :] if keep else content[:at]
    )
    (folder / "a.npz").write_bytes(damaged)
    refused = ""
    try:
        import_npz(given_all(folder / "a.npz", folder / "d.zarr"))
    except ConfigError as error:
        refused = str(error)
    if refused:
        assert "a.npz" in refused
        assert not (folder / "d.zarr").exists()
    else:
        assert len(Dataset.open(folder / "d.zarr")) == 2


@pytest.mark.parametrize(
    ("place", "value"), [(8, 0x01), (8, 0x20), (10, 99), (20, 8)], ids=lambda number: f"{number}"
)
def test_entry_that_no_archive_has_is_refused_by_name(
    place: int, value: int, tmp_path: Path
) -> None:
    """Encrypted, patched, compressed in an unknown way, cut short: the places are those of PKWARE's APPNOTE, 4.3.12."""
    content = bytearray(save(tmp_path / "a.npz", arrays([3, 2])).read_bytes())
    content[content.index(b"PK\x01\x02") + place] = value
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(
        ConfigError, match=r"a\.npz is no \.npz file.*'observations' cannot be read"
    ):
        import_npz(given_all(tmp_path / "a.npz", tmp_path / "d.zarr"))


def test_missing_arrays_files_and_pickles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no file"):
        import_npz(given_all(tmp_path / "no.npz", tmp_path / "d.zarr"))
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(ConfigError, match=r"no \.npz file"):
        import_npz(given_all(tmp_path / "text.npz", tmp_path / "d.zarr"))
    source = save(tmp_path / "poor.npz", {"observations": np.zeros((2, 2))})
    with pytest.raises(ConfigError, match="lacks actions, episode_ends"):
        import_npz(given_all(source, tmp_path / "d.zarr"))
    pickled = save(tmp_path / "p.npz", {"observations": np.array([{}], dtype=object)})
    with pytest.raises(ConfigError, match="'observations' holds Python objects"):
        import_npz(given_all(pickled, tmp_path / "d.zarr"))


def test_import_into_a_data_set_with_episodes_is_refused(tmp_path: Path) -> None:
    source = save(tmp_path / "a.npz", arrays([3]))
    import_npz(given_all(source, tmp_path / "d.zarr"))
    with pytest.raises(ConfigError, match="has episodes already"):
        import_npz(given_all(source, tmp_path / "d.zarr"))
