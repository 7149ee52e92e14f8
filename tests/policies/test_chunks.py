"""Chunks stay within their episode, are carried out in their order, and leave a policy's other promises as they were."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import CONFIGS, SMALL, MakeSpec, MakeWindows, made, observations, trained
from trials import trials

from ibc_gym.checkpoint import load_policy, save_policy
from ibc_gym.contracts import CanonicalFrame
from ibc_gym.data.dataset import Dataset
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.policies.augmentation import augmented
from ibc_gym.policies.base import WindowPolicy
from ibc_gym.policies.chunks import ChunkQueue, cut
from ibc_gym.policies.codec import Codec
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.inputs import InputConfig
from ibc_gym.policies.mdn import MDN, MDNConfig
from ibc_gym.policies.mse import MSE, MSEConfig
from ibc_gym.policies.nearest import Nearest, NearestConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.records import Bool, Windows


def episodes(lengths: Sequence[int]) -> Windows:
    """Windows of one frame whose action says (episode, step)."""
    steps = np.concatenate([np.arange(length) for length in lengths])
    episode = np.repeat(np.arange(len(lengths)), lengths)
    count = len(steps)
    return Windows(
        frames={"state": np.zeros((count, 3), np.float32)},
        index=np.arange(count)[:, None],
        action=np.stack([episode, steps], axis=1).astype(np.float32),
        episode=episode,
    )


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    horizon=st.integers(1, 8),
    lead=st.integers(0, 8),
)
def test_chunk_goes_on_to_the_end_of_its_episode_and_repeats_the_last_action(
    lengths: list[int], horizon: int, lead: int
) -> None:
    windows = episodes(lengths)
    chunks = cut(windows, horizon, lead)
    assert chunks.shape == (len(windows), horizon, 2)
    for chunk, (episode, step) in zip(chunks, windows.action.astype(int), strict=True):
        last = lengths[episode] - 1
        expected = [(episode, min(step + lead + ahead, last)) for ahead in range(horizon)]
        assert chunk.astype(int).tolist() == [list(each) for each in expected]


@pytest.mark.parametrize("kind", [MSE, Nearest])
def test_lead_that_reaches_the_end_of_every_episode_is_refused(
    kind: Any, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    windows = episodes([5, 9, 7])
    kind(kind.Config(history=1, lead=7), spec).fit(windows)  # in the longest, its last two differ
    for lead in (8, 500):
        with pytest.raises(SpecMismatch, match=f"lead is {lead}, .*longest episode has 9 steps"):
            kind(kind.Config(history=1, lead=lead), spec).fit(windows)


def test_chunks_of_a_recording_are_its_actions(particle_demos: Path) -> None:
    data = Dataset.open(particle_demos)
    windows = data.windows(2, [3, 7])
    first, second = (np.asarray(data[number].steps["action"]) for number in (3, 7))
    chunks = cut(windows, 4)
    np.testing.assert_array_equal(chunks[0], first[:4])
    np.testing.assert_array_equal(chunks[len(first) - 1], np.tile(first[-1], (4, 1)))
    np.testing.assert_array_equal(chunks[len(first)], second[:4])


def test_windows_that_leave_steps_out_have_no_chunks() -> None:
    whole = episodes([5, 4])
    rows = np.array([0, 1, 3, 5, 6])
    some = Windows(
        frames=whole.frames,
        index=whole.index[rows],
        action=whole.action[rows],
        episode=whole.episode[rows],
    )
    np.testing.assert_array_equal(cut(some, 1)[:, 0], some.action)
    with pytest.raises(SpecMismatch, match="a lead of 2"):
        cut(some, 1, 2)
    with pytest.raises(SpecMismatch, match="Window 2 does not follow window 1"):
        cut(some, 2)


@settings(max_examples=trials(30))
@given(data=st.data(), horizon=st.integers(1, 5))
def test_every_row_carries_out_its_own_chunk_until_it_is_due_or_reset(
    data: st.DataObject, horizon: int
) -> None:
    execute = data.draw(st.integers(1, horizon))
    queue = ChunkQueue(horizon, 1, execute=execute)
    left: list[list[float]] = []
    said = 0
    for step in range(data.draw(st.integers(1, 12))):
        if step == 0 or data.draw(st.booleans()):
            rows = data.draw(st.integers(1, 4)) if step == 0 else len(left)
            mask = np.array([step == 0 or data.draw(st.booleans()) for _ in range(rows)])
            queue.reset(mask)
            left = [[] if begins else left[row] for row, begins in enumerate(mask)]
        due = [row for row, waiting in enumerate(left) if not waiting]
        assert queue.due.tolist() == due
        chunks = np.arange(said, said + len(due) * horizon).reshape(len(due), horizon, 1)
        said += chunks.size
        if due:
            queue.put(np.array(due), chunks.astype(np.float32))
        for row, chunk in zip(due, chunks[:, :, 0].tolist(), strict=True):
            left[row] = chunk[:execute]
        assert queue.next()[:, 0].tolist() == [waiting.pop(0) for waiting in left]
        positions = [execute - 1 - len(waiting) for waiting in left]
        assert queue.position.tolist() == positions


@given(
    decay=st.sampled_from((0.0, 0.01, 0.5)),
    horizon=st.integers(2, 4),
    begins=st.lists(st.booleans(), min_size=1, max_size=9),
)
def test_ensemble_is_the_weighed_mean_of_all_chunks_that_speak_of_the_step(
    decay: float, horizon: int, begins: list[bool]
) -> None:
    queue = ChunkQueue(horizon, 2, ensemble=decay)
    queue.reset(np.ones(2, np.bool_))
    rng = np.random.default_rng(0)
    given: list[np.ndarray] = []  # of row 1, the oldest first; row 0 is reset in every step
    for begin in begins:
        queue.reset(np.array([True, begin]))
        given = [] if begin else given[-(horizon - 1) :]
        chunks = rng.normal(size=(2, horizon, 2)).astype(np.float32)
        queue.put(queue.due, chunks)
        given.append(chunks[1])
        said = [chunk[len(given) - 1 - age] for age, chunk in enumerate(given)]
        weights = [math.exp(-decay * age) for age in range(len(said))]
        expected = sum(w * a for w, a in zip(weights, said, strict=True)) / sum(weights)
        found = queue.next()
        np.testing.assert_allclose(found[1], expected, atol=1e-6)
        np.testing.assert_array_equal(found[0], chunks[0, 0])


@pytest.fixture(scope="module")
def drawing(make_spec: MakeSpec, make_windows: MakeWindows) -> WindowPolicy:
    """A policy that draws its chunks, so that its randomness shows."""
    config = MDNConfig(horizon=4, execute=3, width=16, depth=2, components=3)
    return trained(made(config, make_spec()), make_windows(), steps=5).eval()


@settings(max_examples=trials(15))
@given(
    resets=st.lists(
        st.lists(st.booleans(), min_size=3, max_size=3).map(np.array), min_size=1, max_size=7
    )
)
def test_a_row_does_not_depend_on_who_shares_the_batch_whoever_begins_when(
    drawing: WindowPolicy, resets: list[Bool]
) -> None:
    rng = np.random.default_rng(1)
    seen = rng.uniform(-1, 1, (len(resets), 3, 3)).astype(np.float32)
    masks = [np.ones(3, np.bool_), *resets[1:]]

    def acted(rows: list[int]) -> np.ndarray:
        done = []
        for step, mask in enumerate(masks):
            if mask[rows].any():
                drawing.reset(mask[rows], [10 * step + row for row in rows])
            done.append(drawing.act({"state": seen[step, rows]}))
        return np.stack(done, axis=1)

    together = acted([0, 1, 2])
    for row in range(3):
        np.testing.assert_allclose(acted([row])[0], together[row], atol=1e-5)


def test_a_chunk_is_decided_when_it_is_due_for_any_row(drawing: WindowPolicy) -> None:
    drawing.reset(np.ones(2, np.bool_), [0, 1])
    seen = np.zeros((2, 3), np.float32)
    decided = []
    for step in range(7):
        if step == 1:
            drawing.reset(np.array([False, True]), [2, 3])
        drawing.act({"state": seen})
        decided.append(drawing.decided)
    assert decided == [True, True, False, True, True, False, True]


def test_observations_between_two_chunks_are_seen_by_the_next_one_alone(
    drawing: WindowPolicy,
) -> None:
    def acted(between: float) -> np.ndarray:
        drawing.reset(np.ones(1, np.bool_), [0])
        values = [0.1, between, between, 0.4]
        return np.stack([drawing.act({"state": np.full((1, 3), v, np.float32)}) for v in values])

    one, other = acted(0.2), acted(-0.9)
    np.testing.assert_array_equal(one[:3], other[:3])
    assert not np.allclose(one[3], other[3], atol=1e-4)


def test_box_and_normaliser_are_those_of_one_action(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    whole, one = (EBM(EBMConfig(horizon=h), make_spec()) for h in (3, 1))
    for policy in (whole, one):
        policy.fit(windows)
    assert whole.fitted() == one.fitted()
    np.testing.assert_array_equal(whole.box.high, np.tile(one.box.high, 3))
    np.testing.assert_array_equal(whole.box.low, np.tile(one.box.low, 3))


def test_all_actions_of_a_chunk_are_turned_by_the_state_it_is_said_in(
    make_spec: MakeSpec, make_windows: MakeWindows, turned: CanonicalFrame
) -> None:
    windows = make_windows()
    codec = Codec(InputConfig(frame="toy", horizon=3, execute=2), make_spec(), turned)
    codec.fit(windows)
    seen = {"state": windows.observation("state")}
    chunks = codec.chunks_in(windows, seen)
    assert chunks.shape == (300, 6)
    back = codec.actions_out(chunks.reshape(300, 3, 2), seen)
    np.testing.assert_allclose(back, cut(windows, 3), atol=1e-5)
    states = np.asarray(seen["state"], np.float32)
    scaled = codec.fit_result.action.apply(turned.into(cut(windows, 3)[:, 2], states))
    np.testing.assert_allclose(chunks[:, 4:], scaled, atol=1e-6)


def test_mirror_image_of_a_chunk_turns_every_action(
    make_spec: MakeSpec, make_windows: MakeWindows, turned: CanonicalFrame
) -> None:
    config = EBMConfig(
        frame="toy", mirror=True, action_normalisation="isotropic", late_fusion=SMALL, horizon=3
    )
    policy = EBM(config, make_spec(), turned)
    policy.fit(make_windows())
    batch = policy.encode(make_windows()).batch(torch.arange(8))
    generator = torch.Generator().manual_seed(0)
    seen = augmented(batch, policy.codec, generator)["action"]
    flipped = (seen != batch["action"]).any(dim=1)
    assert 0 < flipped.sum() < 8
    signs = torch.tensor([1.0, -1.0] * 3)
    assert torch.equal(seen[flipped], (batch["action"] * signs)[flipped])


def test_landscape_lies_around_the_action_that_is_carried_out(
    make_spec: MakeSpec, make_windows: MakeWindows, turned: CanonicalFrame
) -> None:
    config = EBMConfig(
        frame="toy",
        action_normalisation="isotropic",
        late_fusion=SMALL,
        horizon=3,
        execute=2,
        dfo=DFOConfig(samples=64),
    )
    windows = make_windows()
    policy: Any = EBM(config, make_spec(), turned)
    trained(policy, windows, steps=5)
    policy.reset(np.ones(2, np.bool_), [0, 1])
    for _ in range(2):
        levels = []
        for step in range(2):
            action = policy.act(observations(windows, slice(2 * step, 2 * step + 2)))
            candidates = policy.candidates()
            assert candidates.shape == (2, 64, 2)
            away = np.linalg.norm(candidates - action[:, None], axis=2).min(axis=1)
            np.testing.assert_allclose(away, 0, atol=1e-6)
            levels.append(policy.energies(action[:, None]))
            others = policy.energies(candidates)
            assert others.std(axis=1).min() > 0
        np.testing.assert_allclose(levels[0], levels[1], atol=1e-4)  # the same chunk, whole


def test_rows_that_begin_later_keep_landscapes_of_their_own(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    policy: Any = trained(made(CONFIGS["chunked"], make_spec()), make_windows(), steps=5)
    windows = make_windows()
    policy.reset(np.ones(2, np.bool_), [0, 1])
    policy.act(observations(windows, slice(0, 2)))
    policy.reset(np.array([True, False]), [5, 1])  # row 0 says a new chunk while row 1 carries on
    action = policy.act(observations(windows, slice(2, 4)))
    found = policy.energies(action[:, None])
    assert policy._queue.position.tolist() == [0, 1]
    for row, (seed, first) in enumerate(((5, 2), (1, 1))):
        policy.reset(np.ones(1, np.bool_), [seed])
        for _ in range(row + 1):
            alone = policy.act(observations(windows, slice(first, first + 1)))
            first += 2
        np.testing.assert_allclose(alone[0], action[row], atol=1e-5)
        np.testing.assert_allclose(policy.energies(alone[:, None])[0], found[row], atol=1e-4)


def test_error_counts_the_actions_that_would_be_carried_out(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    policy = MDN(MDNConfig(horizon=3, execute=2, width=16, depth=2), make_spec())
    demonstrated = torch.zeros(2, 6)
    chosen = torch.tensor([[3.0, 4, 0, 0, 9, 9], [0, 0, 0, 1, 9, 9]])
    found = policy._action_errors(chosen, demonstrated)
    assert found == {
        "action_error": (2.5 + 0.5) / 2,
        "action_error_square": (2.5**2 + 0.5**2) / 2,
    }


def newest(windows: Windows) -> Windows:
    """The same windows without a history."""
    return Windows(
        frames=windows.frames,
        index=windows.index[:, -1:],
        action=windows.action,
        episode=windows.episode,
    )


def test_table_gives_what_was_demonstrated_from_the_nearest_window_on(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    policy = Nearest(NearestConfig(history=1, horizon=4, execute=3), make_spec())
    policy.fit(newest(windows))
    policy.reset(np.ones(1, np.bool_), [0])
    rows = (11, 40, 41, 90)  # the second and third are not looked at
    found = [policy.act(observations(windows, slice(row, row + 1)))[0] for row in rows]
    np.testing.assert_array_equal(found, windows.action[[11, 12, 13, 90]])


def test_lead_answers_by_what_was_demonstrated_later(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    later = cut(windows, 1, lead=3)[:, 0]
    learned = MSE(MSEConfig(lead=3, width=16, depth=2), make_spec())
    learned.fit(windows)
    taught = learned.encode(windows).batch(torch.arange(len(windows)))["action"]
    meant = learned._codec.fit_result.action.invert(taught.numpy())
    np.testing.assert_allclose(meant, later, atol=1e-6)
    table = Nearest(NearestConfig(history=1, lead=3), make_spec())
    table.fit(newest(windows))
    for row in (11, 40, 90):
        table.reset(np.ones(1, np.bool_), [0])
        found = table.act(observations(windows, slice(row, row + 1)))
        np.testing.assert_array_equal(found[0], later[row])


def test_checkpoint_from_before_there_were_chunks_loads(
    tmp_path: Path, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    saved: Any = trained(made(CONFIGS["dfo"], make_spec()), windows, steps=2)
    saved.eval()
    save_policy(tmp_path, "ebm", saved)
    config = json.loads((tmp_path / "config.json").read_text())
    for name in ("horizon", "execute", "lead", "ensemble"):
        del config["config"][name]
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded: Any = load_policy(tmp_path)
    acted = []
    for policy in (saved, loaded):
        policy.reset(np.ones(3, np.bool_), [1, 2, 3])
        acted.append(policy.act(observations(windows, slice(0, 3))))
    np.testing.assert_array_equal(*acted)


@pytest.mark.parametrize(
    "wrong, match",
    [
        ({"horizon": 0}, "execute is 1 and horizon 0"),
        ({"horizon": 2, "execute": 3}, "execute is 3 and horizon 2"),
        ({"execute": 0}, "execute is 0"),
        ({"horizon": 4, "execute": 2, "ensemble": 0.01}, "execute=1"),
        ({"horizon": 4, "ensemble": -0.1}, "ensemble is -0.1"),
        ({"ensemble": 0.01}, "a horizon above 1"),
        ({"lead": -1}, "lead is -1"),
    ],
)
def test_chunks_that_make_no_sense_are_refused(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        InputConfig(**wrong)
