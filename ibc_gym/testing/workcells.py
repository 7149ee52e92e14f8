"""What every simulated workcell keeps: `ibc_gym.contracts.Simulation`, and what joins robot, scene and cameras."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st

from ibc_gym.contracts import Simulation
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Start, Target
from ibc_gym.testing.bits import flat
from ibc_gym.testing.contract import refuses, rule
from ibc_gym.testing.scenes import SceneContract
from ibc_gym.testing.strategies import targets

STOP = None
"""Among targets: the robot is stopped."""
Moves = list[Target | None]


class WorkcellContract(SceneContract):
    """Subclass it and say in `make` how the workcell is made, with its cameras, in `starts` how episodes begin there.

    What a scene keeps is tested, too.
    """

    @property
    def simulation(self) -> Simulation:
        """Of the shared workcell, which must be simulated."""
        simulation = self.shared.simulation
        assert isinstance(simulation, Simulation), "only a simulated workcell can be held to this"
        return simulation

    examples: ClassVar[int] = 8

    def moves(self, min_size: int = 1) -> st.SearchStrategy[Moves]:
        """What a robot is told one period after another."""
        robot = self.shared.robot
        robot.reset()
        target = targets(robot.limits, robot.observe().target)
        return st.lists(
            st.one_of(target, target, target, st.just(STOP)), min_size=min_size, max_size=5
        )

    def play(self, moves: Moves, *, look: bool = False) -> list[Any]:
        """Make moves in the shared workcell; gives everything that was seen, bit by bit."""
        workcell, seen = self.shared, []
        for move in moves:
            if move is STOP:
                workcell.robot.stop()
            else:
                workcell.robot.command(move)
            if look:
                for camera in workcell.cameras.values():
                    camera.read()
            workcell.robot.advance()
            state = flat(workcell.robot.observe()), flat(workcell.scene.poses())
            seen.append((state, self.simulation.save().tobytes()))
        return seen

    @rule("Simulation.restore")
    def test_restored_state_goes_on_bit_for_bit(self) -> None:
        """From any moment, `restore` of what `save` gave goes on bit for bit, whatever happened in between."""

        @self.for_all(self.starts(), self.moves(), self.moves(0), self.moves())
        def check(start: Start, before: Moves, between: Moves, after: Moves) -> None:
            self.begin(start)
            self.play(before)
            saved = self.simulation.save()
            ahead = self.play(after)
            self.play(between)
            self.simulation.restore(saved)
            assert self.simulation.save().tobytes() == saved.tobytes()
            assert self.play(after) == ahead

    @rule("Simulation.save")
    def test_saved_state_is_never_changed(self) -> None:
        """What `save` gave stays as it was, whatever happens later."""
        self.begin(self._some_start())
        saved = self.simulation.save()
        kept = saved.tobytes()
        self.shared.robot.advance()
        self.shared.robot.reset()
        assert saved.tobytes() == kept

    @rule("Simulation.restore")
    def test_state_of_another_world_is_refused(self) -> None:
        """A state that was not saved by such a world raises SpecMismatch."""
        self.begin(self._some_start())
        wrong = np.append(self.simulation.save(), 0.0)
        refuses(SpecMismatch, "A state too long by a number", self.simulation.restore, wrong)

    @rule("Simulation.save")
    def test_looking_does_not_change_the_world(self) -> None:
        """Reading a camera leaves every bit of the state as it was, and what comes later, too."""

        @self.for_all(self.starts(), self.moves())
        def check(start: Start, moves: Moves) -> None:
            self.begin(start)
            before = self.simulation.save()
            for camera in self.shared.cameras.values():
                camera.read()
            assert self.simulation.save().tobytes() == before.tobytes()
            seeing = self.play(moves, look=True)
            self.begin(start)
            assert self.play(moves) == seeing

    @rule("Workcell.cameras")
    def test_cameras_and_robot_have_one_clock(self) -> None:
        """A picture is of the instant at which the robot is observed, by the same clock; a camera bears its own name."""
        self.begin(self._some_start())
        for _ in range(2):
            for name, camera in self.shared.cameras.items():
                assert camera.spec.name == name
                assert abs(camera.read().time - self.shared.robot.observe().time) < 1e-9
            self.shared.robot.advance()

    @rule("Workcell.close")
    def test_closes_twice(self) -> None:
        """A workcell may be closed twice."""
        workcell = self.make()
        workcell.robot.reset()
        workcell.close()
        workcell.close()
