"""Hold your own robot, camera, scene, task, policy or environment to the contracts, in five lines.

A suite is a plain class; a subclass says how the thing is made, and pytest finds the tests::

    from ibc_gym.testing import RobotContract

    class TestMyArm(RobotContract):
        def make(self) -> MyArm:
            return MyArm("192.168.1.10")

`strategies` draws what tests are made of. docs/testing.md has all of it, with an example from end to end.
"""

from __future__ import annotations

from ibc_gym.errors import MissingDependency

try:
    import hypothesis  # noqa: F401 - so that what is missing is said here, once
    import pytest
except ModuleNotFoundError as error:
    explained = MissingDependency.explaining(error, needed_for="ibc_gym.testing")
    if explained is None:
        raise
    raise explained from error

_SUITES = (
    "agreement",
    "cameras",
    "contract",
    "envs",
    "learned",
    "policies",
    "robots",
    "scenes",
    "snapshots",
    "tasks",
    "workcells",
)
# Before they are imported, so that a broken rule shows the values that break it.
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in _SUITES))

from ibc_gym.testing import strategies  # noqa: E402
from ibc_gym.testing.agreement import AgreementContract  # noqa: E402
from ibc_gym.testing.cameras import CameraContract  # noqa: E402
from ibc_gym.testing.contract import Contract, rule  # noqa: E402
from ibc_gym.testing.envs import EnvContract  # noqa: E402
from ibc_gym.testing.faults import Fault, FaultyCamera, FaultyRobot, Schedule, faulty  # noqa: E402
from ibc_gym.testing.ideal import IdealRobot  # noqa: E402
from ibc_gym.testing.policies import PolicyContract  # noqa: E402
from ibc_gym.testing.robots import RobotContract  # noqa: E402
from ibc_gym.testing.scenes import SceneContract  # noqa: E402
from ibc_gym.testing.tasks import TaskContract  # noqa: E402
from ibc_gym.testing.workcells import WorkcellContract  # noqa: E402

__all__ = [
    "AgreementContract",
    "CameraContract",
    "Contract",
    "EnvContract",
    "Fault",
    "FaultyCamera",
    "FaultyRobot",
    "IdealRobot",
    "PolicyContract",
    "RobotContract",
    "SceneContract",
    "Schedule",
    "TaskContract",
    "WorkcellContract",
    "faulty",
    "rule",
    "strategies",
]
