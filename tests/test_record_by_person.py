"""A person whose hand is scripted, in the true environments: what is on the disk afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from hall import IDLE, PUSH, Hall, ask, finding
from hands import ScriptedHand, reading
from terminals import soon

from ibc_gym import loading, tables, watching
from ibc_gym import record_by_person as program
from ibc_gym.envs.simulators.mujoco_robot import MujocoRobot
from ibc_gym.envs.tasks.reach import Reach
from ibc_gym.errors import ConfigError, RobotFault, SpecMismatch, UnknownName
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.hardware.teleop import device
from ibc_gym.hardware.teleop.device import DeviceLost, Reading
from ibc_gym.records import Float32
from ibc_gym.replay import ReplayConfig, replay

pytestmark = pytest.mark.slow


def collide(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The simulated arm runs into something once, at a step counted from the first."""
    advance, steps = MujocoRobot.advance, iter(range(100))

    def failing(self: MujocoRobot) -> None:
        if next(steps) == step:
            raise RobotFault("Code 31: collision.")
        advance(self)

    monkeypatch.setattr(MujocoRobot, "advance", failing)


class TestEpisodes:
    def test_one_is_recorded_from_the_first_motion_and_replays_bit_for_bit(
        self, hall: Hall
    ) -> None:
        summary = hall.record([IDLE, IDLE, IDLE, PUSH, PUSH, IDLE, PUSH], episodes=1)
        assert (summary.written, summary.done, summary.successes) == (1, 1, 0)
        (episode,) = list(hall.data)
        action = episode.steps["action"]
        assert not episode.steps["interventions"].any()  # who stands still is not held back
        assert len(action) == 12 and action[0].any() and not action[2].any() and action[3:].any()
        assert episode.success is False and episode.seed == 0
        assert hall.data.metadata.demonstrator == "human"
        assert hall.data.metadata.source["by"] == "script"
        (again,) = replay(ReplayConfig(data=hall.out))
        assert again.exact

    def test_right_arrow_ends_one_and_keeps_it(self, hall: Hall) -> None:
        summary = hall.record([IDLE, PUSH, PUSH, ask(device.NEXT), IDLE, PUSH], episodes=2)
        first, second = list(hall.data)
        assert summary.written == 2
        assert first.length == 2 and first.steps["truncated"].tolist() == [False, True]
        assert not first.steps["terminated"].any()
        assert second.length == 12
        assert all(again.exact for again in replay(ReplayConfig(data=hall.out)))

    def test_left_arrow_drops_it_and_begins_the_same_one_again(self, hall: Hall) -> None:
        script = [IDLE, PUSH, ask(device.REDO), IDLE, reading(right=1.0)]
        summary = hall.record(script, episodes=1)
        assert (summary.written, summary.redone) == (1, 1)
        (episode,) = list(hall.data)
        assert episode.seed == 0 and episode.steps["action"][0, 0] == 0.0  # right alone

    def test_backspace_drops_it_and_the_same_command_asks_for_it_again(self, hall: Hall) -> None:
        script = [IDLE, PUSH, ask(device.DISCARD), IDLE, PUSH]
        summary = hall.record(script, episodes=2)
        assert (summary.written, summary.discarded) == (1, 1)
        assert [episode.seed for episode in hall.data] == [1]
        summary = hall.record([IDLE, PUSH], episodes=2)
        assert (summary.present, summary.written) == (1, 1)
        assert sorted(episode.seed or 0 for episode in hall.data) == [0, 1]

    def test_escape_keeps_what_was_done_and_stops(self, hall: Hall) -> None:
        summary = hall.record([IDLE, PUSH, PUSH, PUSH, ask(device.STOP)], episodes=50)
        assert summary.stopped and summary.written == 1
        assert [episode.length for episode in hall.data] == [3]

    def test_escape_before_the_first_motion_leaves_nothing_behind(self, hall: Hall) -> None:
        summary = hall.record([IDLE, IDLE, ask(device.STOP)], episodes=5)
        assert summary.stopped and len(hall.data) == 0

    def test_keys_that_end_an_episode_end_none_that_has_not_begun(self, hall: Hall) -> None:
        summary = hall.record([IDLE, ask(device.NEXT, device.SUCCESS), PUSH], episodes=1)
        assert summary.written == 1 and hall.data[0].length == 12

    def test_measured_success_is_not_overruled(self, hall: Hall) -> None:
        hall.record([IDLE, PUSH, ask(device.SUCCESS)], episodes=1)
        assert hall.data[0].success is False

    def test_failures_are_left_out_where_that_is_asked_for(self, hall: Hall) -> None:
        summary = hall.record([IDLE, PUSH], episodes=1, successes_only=True)
        assert (summary.done, summary.written) == (1, 0)
        assert len(hall.data) == 0

    def test_what_a_fault_cut_off_is_kept_among_successes_as_is_said(
        self, hall: Hall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        collide(monkeypatch, step=3)
        script = [IDLE, PUSH, PUSH, PUSH, PUSH, IDLE, ask(device.STOP)]
        with pytest.raises(RobotFault):
            hall.record(script, episodes=3, successes_only=True)
        (kept,) = hall.data
        assert f"The {kept.length} steps until then are kept, and marked." in hall.said
        assert kept.success is False and "collision" in str(kept.fault)


class TestTime:
    def test_simulation_takes_its_time(self, hall: Hall) -> None:
        hall.record([IDLE, PUSH], episodes=1)
        period = hall.data.metadata.control_period
        assert hall.clock.now == pytest.approx(11 * period)

    def test_pace_lets_it_pass_faster(self, hall: Hall) -> None:
        hall.record([IDLE, PUSH], episodes=1, pace=10.0)
        assert hall.clock.now == pytest.approx(1.1 * hall.data.metadata.control_period)

    def test_time_that_was_lost_is_not_caught_up(self, hall: Hall) -> None:
        period = Reach().control_period
        asleep = hall.clock.sleep

        def late(seconds: float) -> None:
            asleep(seconds + (3 * period if len(hall.clock.slept) == 2 else 0.0))

        hall.clock.sleep = late  # type: ignore[method-assign]
        hall.record([IDLE, PUSH], episodes=1)
        assert max(hall.clock.slept) < 4.5 * period
        assert hall.clock.slept[5:] == pytest.approx([period] * len(hall.clock.slept[5:]))

    def test_status_fits_a_line_and_says_how_far_it_is(self, hall: Hall) -> None:
        hall.record([IDLE, IDLE, PUSH], episodes=1)
        assert "move to begin" in hall.statuses[0]
        assert hall.statuses[-1].startswith("1 of 1  step 12/12  hand moving, 0.05 m/s")
        assert max(map(len, hall.statuses)) < 80


class TestFailures:
    def test_device_that_is_lost_stops_the_robot_and_the_episode_is_kept_and_marked(
        self, hall: Hall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(DeviceLost):
            hall.record([IDLE, PUSH, PUSH, DeviceLost("The gamepad is gone.")], episodes=1)
        (episode,) = list(hall.data)
        assert episode.fault == "DeviceLost: The gamepad is gone."
        assert episode.length == 2 and episode.steps["truncated"][-1]
        assert ScriptedHand.made[0].closed
        hall.record([IDLE, PUSH], episodes=1)  # what was cut off is asked for again
        assert sorted(episode.fault is None for episode in hall.data) == [False, True]

    def test_robot_that_fails_leaves_its_episode_marked(
        self, hall: Hall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stops: list[str] = []
        collide(monkeypatch, step=3)
        monkeypatch.setattr(MujocoRobot, "stop", lambda self: stops.append("stop"))
        script = [IDLE, PUSH, PUSH, PUSH, PUSH, IDLE, ask(device.STOP)]
        with pytest.raises(RobotFault, match="collision"):
            hall.record(script, episodes=3)
        assert stops
        assert [episode.fault for episode in hall.data] == ["RobotFault: Code 31: collision."]
        assert hall.data[0].length == 3

    def test_person_clears_a_fault_and_does_the_episode_again(
        self, hall: Hall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        collide(monkeypatch, step=1)
        script = [IDLE, PUSH, PUSH, IDLE, IDLE, ask(device.SUCCESS), IDLE, PUSH]
        summary = hall.record(script, episodes=1)
        assert (summary.faults, summary.written) == (1, 2)
        told = [(episode.fault is None, episode.length) for episode in hall.data]
        assert sorted(told) == [(False, 1), (True, 12)]
        assert any("Look at the robot." in line for line in hall.said)

    def test_yes_from_before_the_fault_clears_nothing(
        self, hall: Hall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        collide(monkeypatch, step=1)
        script = [IDLE, PUSH, PUSH, ask(device.SUCCESS), IDLE, ask(device.STOP)]
        with pytest.raises(RobotFault, match="collision"):
            hall.record(script, episodes=1)

    def test_ctrl_c_keeps_what_is_committed_and_drops_the_rest(self, hall: Hall) -> None:
        script: list[Reading | BaseException] = [IDLE, PUSH, ask(device.NEXT)]
        script += [IDLE, PUSH, PUSH, KeyboardInterrupt()]
        with pytest.raises(KeyboardInterrupt):
            hall.record(script, episodes=5)
        assert [episode.length for episode in hall.data] == [1]
        assert hall.data[0].fault is None and not hall.data.verify()
        assert ScriptedHand.made[0].closed

    @pytest.mark.parametrize(
        ("settings", "error"),
        [
            ({"task": "particle", "options": {"horizon": 50}}, ConfigError),
            ({"task": "no-such-task"}, UnknownName),
            ({"by": "telepathy"}, UnknownName),
            ({"policy": "runs/none"}, ConfigError),
            ({"frame": "sideways"}, ConfigError),
            ({"speed": -1.0}, ConfigError),
            ({"observation": "smell"}, ConfigError),
            ({"pace": 0.0}, ConfigError),
        ],
    )
    def test_what_cannot_be_done_is_refused_before_anything_is_written(
        self, hall: Hall, settings: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            hall.record([IDLE], **settings)
        assert not hall.out.exists()
        assert all(hand.closed for hand in ScriptedHand.made)

    def test_other_demonstrations_in_the_folder_are_refused(self, hall: Hall) -> None:
        hall.record([IDLE, PUSH], episodes=1)
        with pytest.raises(SpecMismatch):
            hall.record([IDLE, PUSH], episodes=1, task="push")


class TestTakeOver:
    def test_who_acted_and_what_the_policy_wanted_is_stored_at_every_step(self, hall: Hall) -> None:
        script = [IDLE, IDLE, IDLE, PUSH, IDLE, ask(device.TAKE), IDLE]
        hall.record(script, episodes=1, policy="oracle", options={"horizon": 8})
        (episode,) = list(hall.data)
        steps = episode.steps
        assert steps["by_person"].dtype == np.bool_
        assert steps["by_person"].tolist()[:6] == [False, False, True, True, False, False]
        mine = steps["by_person"]
        np.testing.assert_array_equal(steps["action"][~mine], steps["action_policy"][~mine])
        assert steps["action_policy"][mine].any(axis=1).all()
        assert not np.array_equal(steps["action"][mine], steps["action_policy"][mine])
        assert hall.data.metadata.source["policy"] == "oracle"
        (again,) = replay(ReplayConfig(data=hall.out))
        assert again.exact

    def test_alone_a_person_is_no_column(self, hall: Hall) -> None:
        hall.record([IDLE, PUSH], episodes=1)
        assert not {"by_person", "action_policy"} & set(hall.data[0].steps)

    def test_oracle_left_alone_succeeds(self, hall: Hall) -> None:
        summary = hall.record([IDLE], episodes=1, policy="oracle", options={"horizon": 100})
        assert summary.successes == 1 and not hall.data[0].steps["by_person"].any()


class TestBrake:
    """The simulated arm as if it moved in real time, and keys of a true terminal."""

    @pytest.fixture
    def press(
        self, typist: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[], None]:
        """Types Esc, and is busy until the robot is stopped."""
        monkeypatch.setattr("ibc_gym.braking.is_real_time", lambda workcell: True)
        robots: list[SafeRobot] = []
        made = SafeRobot.__init__

        def noticed(self: SafeRobot, *args: Any, **options: Any) -> None:
            made(self, *args, **options)
            robots.append(self)

        monkeypatch.setattr(SafeRobot, "__init__", noticed)

        def press() -> None:
            typist(b"\x1b")
            assert soon(lambda: robots[-1].fault is not None), "stopped while the program is busy"

        return press

    def test_escape_stops_the_arm_while_the_policy_is_busy_and_the_episode_is_kept(
        self, hall: Hall, press: Callable[[], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Busy:
            steps = 0

            def reset(self, mask: Any, seeds: Any) -> None: ...

            def act(self, observation: Any) -> Float32:
                self.steps += 1
                if self.steps == 4:
                    press()
                return np.full((1, 2), 0.01, np.float32)

        monkeypatch.setattr("ibc_gym.person_stage.make_oracle", lambda task, envs: Busy())
        summary = hall.record([IDLE], episodes=3, policy="oracle")
        assert summary.stopped and (summary.written, summary.faults) == (1, 0)
        (episode,) = list(hall.data)
        assert episode.fault is None
        assert episode.length == 3 and episode.steps["truncated"][-1]

    def test_escape_stops_the_arm_on_its_way_home(
        self, hall: Hall, press: Callable[[], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = MujocoRobot.reset

        def going(self: MujocoRobot, target: Any = None) -> None:
            home(self, target)
            press()

        monkeypatch.setattr(MujocoRobot, "reset", going)
        summary = hall.record([IDLE, PUSH], episodes=3)
        assert summary.stopped and summary.done == 0


def test_wishes_have_one_vocabulary() -> None:
    assert {*program.KEPT, *program.DROPPED} == {*device.ASKS} - {
        device.TAKE,
        device.FASTER,
        device.SLOWER,
    }


def test_view_shows_the_live_picture(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[Any, str]] = []

    class Page:
        address = "http://127.0.0.1:1/"

        def show(self, picture: Any, words: str) -> None:
            shown.append((picture, words))

        def close(self) -> None:
            shown.append((None, "closed"))

    made = {**tables.PEOPLE, "page": "a page"}
    monkeypatch.setattr(watching, "PEOPLE", made)
    monkeypatch.setattr(loading, "attribute", finding("a page", lambda port: closing(Page())))
    hall.record([IDLE, PUSH, PUSH], episodes=1, view=0, options={"horizon": 2})
    pictures = [picture for picture, _ in shown[:-1]]
    assert len(pictures) == 3 and shown[-1] == (None, "closed")
    assert pictures[0].shape == (240, 320, 3) and not np.array_equal(pictures[0], pictures[-1])
    assert any("http://127.0.0.1:1/" in line for line in hall.said)
    (again,) = replay(ReplayConfig(data=hall.out))
    assert again.exact
