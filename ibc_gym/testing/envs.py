"""What every environment keeps: `ibc_gym.env.Env`, as tests; a task in a workcell, whole."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import numpy as np
from gymnasium.utils.env_checker import check_env
from hypothesis import strategies as st

from ibc_gym.env import Env
from ibc_gym.errors import CameraTimeout, ConfigError, RobotFault, SpecMismatch
from ibc_gym.records import Float32, is_image
from ibc_gym.testing.bits import flat, global_stream, place
from ibc_gym.testing.contract import Contract, refuses, rule
from ibc_gym.testing.faults import CAMERA_FAULTS, ROBOT_FAULTS, Fault, FaultyRobot, faulty
from ibc_gym.testing.processes import digest, digest_elsewhere
from ibc_gym.testing.robots import RobotContract, measured
from ibc_gym.testing.snapshots import assert_any_moment_can_be_gone_on_from
from ibc_gym.testing.strategies import Episode, action_sequences, episodes, fault_schedules

INFO: Final = {
    "is_success",
    "success",
    "action_sent",
    "capture_time",
    "frame_number",
    "deadline_missed",
    "interventions",
}
"""What is told at every step, besides the task's progress."""


class EnvContract(Contract[Env]):
    """Subclass it and say in `make` how the environment is made: `make_env("push", workcell="mujoco")`."""

    clock_tolerance: ClassVar[float] = 1e-6
    """By what share of a control period the robot's clock may differ from it."""
    overshoot: ClassVar[float] = RobotContract.overshoot
    """How far outside of its limits the robot may be measured, in their units."""

    @property
    def env(self) -> Env:
        """The environment that tests share; each begins with its own reset."""
        return self.shared

    def digest_elsewhere(self) -> str:
        """What a fresh process makes of the same episode; see `ibc_gym.testing.processes.digest`."""
        return digest_elsewhere(type(self))

    @rule("Env")
    def test_gymnasiums_checker_passes_without_a_warning(self) -> None:
        """Gymnasium's own checker has nothing to say about it."""
        with warnings.catch_warnings(), self.make() as env:
            warnings.simplefilter("error")
            check_env(env, skip_render_check=True)

    @rule("Env.step")
    def test_any_actions_keep_the_state_in_its_space(self) -> None:
        """Whatever is done, every observation is finite and lies in its space, and every reward is a finite number."""

        @self.for_all(episodes(self.env.action_space))
        def check(episode: Episode) -> None:
            observation, _ = self.env.reset(seed=episode.seed)
            self._check_observation(observation)
            for action in episode.actions:
                observation, reward, terminated, truncated, _ = self.env.step(action)
                self._check_observation(observation)
                assert np.isfinite(reward)
                if terminated or truncated:
                    break

    @rule("Env.step")
    def test_any_actions_keep_the_tool_in_the_workspace(self) -> None:
        """Whatever is done, what is sent to the robot lies inside of its limits, and where it is measured, too."""
        robot = self.env.workcell.robot
        low, high = np.array(robot.limits.lower), np.array(robot.limits.upper)

        @self.for_all(episodes(self.env.action_space))
        def check(episode: Episode) -> None:
            self.env.reset(seed=episode.seed)
            for action in episode.actions:
                *_, terminated, truncated, info = self.env.step(action)
                state = robot.observe()
                for numbers, beyond in (
                    (place(state.target), 1e-9),
                    (measured(state), self.overshoot),
                ):
                    inside = (numbers >= low - beyond) & (numbers <= high + beyond)
                    assert inside.all(), f"{numbers} is not inside of {low} to {high}"
                self._check_sent(info)
                if terminated or truncated:
                    break

    @rule("Env")
    def test_info_tells_the_truth_of_every_step(self) -> None:
        """`info` has at every step what it must have, and the robot's clock goes on by one control period."""
        env = self.env
        _, info = env.reset(seed=0)
        times = [info["capture_time"]["robot"]]
        for action in self._actions(4):
            *_, terminated, truncated, info = env.step(action)
            assert set(info) >= INFO
            assert info["is_success"] is info["success"]
            self._check_sent(info)
            assert info["deadline_missed"] is False
            times.append(info["capture_time"]["robot"])
            if terminated or truncated:
                break
        period = env.task.control_period
        assert np.abs(np.diff(times) - period).max() <= self.clock_tolerance * period
        assert abs(env.workcell.robot.limits.control_period - period) <= 1e-9

    @rule("Env.step")
    def test_episode_ends_at_its_horizon_at_the_latest(self) -> None:
        """An episode terminates, or is truncated at the task's horizon exactly."""
        env = self.env
        env.reset(seed=1)
        middle = ((env.action_space.low + env.action_space.high) / 2).astype(np.float32)
        terminated, truncated, steps = False, False, 0
        while not (terminated or truncated) and steps < env.task.horizon:
            *_, terminated, truncated, _ = env.step(middle)
            steps += 1
        assert terminated or (truncated and steps == env.task.horizon)

    @rule("Env.reset")
    def test_same_seed_gives_the_same_episode_again(self) -> None:
        """The same seed and actions give the same bytes, whatever was played before."""

        @self.for_all(episodes(self.env.action_space, max_size=6), st.integers(0, 99))
        def check(episode: Episode, between: int) -> None:
            first = self._play(episode)
            self.env.reset(seed=between)
            assert self._play(episode) == first

    @rule("Env.reset")
    def test_same_seed_gives_the_same_bytes_in_a_fresh_process(self) -> None:
        """The same seed gives the same bytes in a fresh process, whatever was played in this one."""
        assert self.digest_elsewhere() == digest(self.env)

    @rule("Env.reset")
    def test_given_start_begins_the_same_episode(self) -> None:
        """A start that is given begins the same episode as one that is drawn; what is no start is refused."""
        drawn, _ = self.env.reset(seed=4)
        start = self.env.task.sample(np.random.default_rng(4))
        given, _ = self.env.reset(options={"start": start})
        assert flat(drawn) == flat(given)
        wrong = {"start": "over there"}
        refuses(ConfigError, "A start that is none", lambda: self.env.reset(options=wrong))

    @rule("Env.save")
    def test_any_moment_can_be_saved_and_gone_on_from(self) -> None:
        """Saved anywhere and restored, here and elsewhere, an episode goes on bit for bit; a stopped robot's, too."""

        def play(env: Env, moves: list[int]) -> list[Any]:
            """A step with actions drawn from every seed; 0 stops the robot instead."""
            seen = []
            for move in moves:
                if not move:
                    env.workcell.robot.stop()
                else:
                    try:
                        seen.append(flat(env.step(self._actions(1, seed=move)[0])))
                    except ConfigError:
                        seen.append("the episode is over")
                assert env.workcell.simulation is not None
                seen.append(env.workcell.simulation.save().tobytes())
            return seen

        if self.env.workcell.simulation is None:
            return  # nothing can be saved of the real world
        with self.make() as another:
            another.reset(seed=0)
            assert_any_moment_can_be_gone_on_from(
                self.env, another, play, kinds=7, max_examples=self.examples
            )

    @rule("Env.restore")
    def test_restored_moment_is_seen_as_it_was(self) -> None:
        """`restore` gives the observation and info of the moment that was saved."""
        if self.env.workcell.simulation is None:
            return
        self.env.reset(seed=6)
        for action in self._actions(4):
            observation, _, terminated, truncated, info = self.env.step(action)
            if terminated or truncated:
                break
        saved = self.env.save()
        self.env.reset(seed=99)
        assert flat(self.env.restore(saved)) == flat((observation, info))

    @rule("Env.step")
    def test_action_that_makes_no_sense_is_not_sent(self) -> None:
        """Actions that are not finite or of the wrong shape raise SpecMismatch, and the episode goes on undisturbed."""
        env, steps = self.env, self._actions(3)

        def play(*, disturbed: bool) -> list[Any]:
            seen = [flat(env.reset(seed=2))]
            for action in steps:
                bad = (
                    action * np.nan,
                    np.full_like(action, np.inf),
                    action[:-1],
                    np.stack([action] * 2),
                )
                for each in bad if disturbed else ():
                    refuses(SpecMismatch, f"The action {each}", env.step, each)
                found = env.step(action)
                seen.append(flat(found))
                if found[2] or found[3]:
                    break
            return seen

        assert play(disturbed=True) == play(disturbed=False)

    @rule("Env.step")
    def test_action_beyond_the_space_is_limited_to_it(self) -> None:
        """An action outside of the space does what the nearest one inside does."""
        highest = self.env.action_space.high.astype(np.float32)
        self.env.reset(seed=2)
        at_the_edge = flat(self.env.step(highest))
        self.env.reset(seed=2)
        assert flat(self.env.step(highest + np.float32(5))) == at_the_edge

    @rule("Env.step")
    def test_step_before_the_first_reset_is_refused(self) -> None:
        """No step before the first reset, and none after the environment was closed, which may be twice."""
        highest = self.env.action_space.high.astype(np.float32)
        with self.make() as env:
            refuses(ConfigError, "A step before the first reset", env.step, highest)
            env.reset(seed=0)
        env.close()
        refuses(ConfigError, "A step after closing", env.step, highest)

    @rule("Env.reset")
    def test_global_generator_is_left_alone(self) -> None:
        """NumPy's global generator is not touched."""
        before = global_stream()
        self.env.reset(seed=0)
        self.env.step(self._actions(1)[0])
        assert global_stream() == before

    @rule("Env.step")
    def test_any_fault_stops_the_robot_first_and_ends_the_episode(self) -> None:
        """Whatever fails and whenever: the robot is stopped before anybody hears of it, nothing moves until the next
        reset, and the next episode knows nothing of it.
        """
        kinds = (*ROBOT_FAULTS, *(CAMERA_FAULTS if self._pictures() else ()))
        schedules = fault_schedules(kinds=kinds, last_step=4)

        @self.for_all(schedules, action_sequences(self.env.action_space, max_size=5))
        def check(faults: list[Fault], steps: Float32) -> None:
            with failing(self.env, faults) as robot:
                for _ in range(len(faults) + 1):
                    if not self._endured(robot, steps):
                        break
                robot.schedule.pending.clear()
                after = self._play(Episode(seed=5, actions=steps))
            if self.env.workcell.simulation is not None:
                assert self._play(Episode(seed=5, actions=steps)) == after

    def _endured(self, robot: FaultyRobot, steps: Float32) -> bool:
        """Play an episode that may fail; whether it did. Late periods are told."""
        env = self.env
        robot.schedule.happened.clear()
        try:
            env.reset(seed=5)
            for action in steps:
                *_, terminated, truncated, info = env.step(action)
                late = Fault(step=robot.schedule.step, kind="overrun") in robot.schedule.happened
                assert info["deadline_missed"] is late, (
                    "a missed deadline is told where it is missed"
                )
                if terminated or truncated:
                    break
        except (RobotFault, CameraTimeout):
            self._check_stopped(robot, steps[0])
            return True
        return False

    def _check_stopped(self, robot: FaultyRobot, action: Float32) -> None:
        before = len(robot.calls)
        assert robot.calls[-1] == "stop", f"not stopped after a fault: {robot.calls[-4:]}"
        refuses(ConfigError, "A step after a fault", self.env.step, action)
        assert len(robot.calls) == before, f"asked for {robot.calls[before:]} after a fault"

    def _pictures(self) -> list[str]:
        """The inputs that are pictures."""
        named: Any = self.env.observation_space
        return [name for name in named.spaces if is_image(name)]

    def _check_sent(self, info: Any) -> None:
        """What was sent is an action; it may lie outside of the space where the robot's limits intervened."""
        sent, space = info["action_sent"], self.env.action_space
        assert sent.dtype == np.float32 and sent.shape == space.shape and np.isfinite(sent).all()
        outside = np.abs(sent - np.clip(sent, space.low, space.high)).max()
        assert info["interventions"] or outside <= 1e-6, (
            f"{sent} was sent, which is not in {space}, though no limit intervened"
        )

    def _check_observation(self, observation: Any) -> None:
        assert observation in self.env.observation_space, "outside of the space"
        assert all(np.isfinite(values).all() for values in observation.values())

    def _play(self, episode: Episode) -> list[Any]:
        """Everything that is seen of an episode, bit by bit."""
        seen = [flat(self.env.reset(seed=episode.seed))]
        for action in episode.actions:
            found = self.env.step(action)
            seen.append(flat(found))
            if found[2] or found[3]:
                break
        return seen

    def _actions(self, count: int, seed: int = 0) -> Float32:
        """(count, A), all over the action space."""
        space, rng = self.env.action_space, np.random.default_rng(seed)
        return rng.uniform(space.low, space.high, (count, *space.shape)).astype(np.float32)


@contextmanager
def failing(env: Env, faults: list[Fault]) -> Iterator[FaultyRobot]:
    """Within the block the environment's robot and cameras fail by schedule."""
    sound = env.workcell
    env.workcell, robot = faulty(sound, faults)
    try:
        yield robot
    finally:
        env.workcell = sound
