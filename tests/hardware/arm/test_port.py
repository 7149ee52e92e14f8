"""Commands go to the port of the arm's own config, at every connection, whatever port others of the process use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from arm_bench import Bench, bring, run_into, tip
from arm_bench import bench as make_bench
from vendor_arms import connected
from xarm.core.config.x_config import XCONF

from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.hardware.arm.config import XArmConfig
from ibc_gym.hardware.arm.robot import XArm

PORT = 20502
"""Neither the vendor's nor the one that a rig takes where the system keeps 502 for itself."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Bench]:
    with make_bench(port=PORT) as bench:
        yield bench


def test_port_is_that_of_the_vendor_unless_it_is_named() -> None:
    assert XArmConfig(address="127.0.0.1").port == 502 == XCONF.SocketConf.TCP_CONTROL_PORT
    for port in (0, -1, 1 << 16):
        with pytest.raises(ConfigError, match=f"port is {port}"):
            XArmConfig(address="127.0.0.1", port=port)


def test_arm_on_another_port_is_had_back_after_its_connection_was_lost(elsewhere: Bench) -> None:
    with elsewhere.arm(connect_timeout=2.0) as arm:
        elsewhere.rig.inject("close")
        run_into(arm)
        arm.recover()
        assert arm.fault is None
        arm.reset()
        bring(arm, tip(0.4, 0.02))


def test_arms_on_two_ports_work_side_by_side_and_the_bare_client_looks_where_it_did(
    bench: Bench, elsewhere: Bench
) -> None:
    assert bench.rig.port != elsewhere.rig.port
    with elsewhere.arm() as other:
        assert XCONF.SocketConf.TCP_CONTROL_PORT == 502
        bare = connected(bench.rig)
        try:
            assert bare.get_err_warn_code() == (0, [0, 0])
        finally:
            bare.disconnect()
        with bench.arm() as arm:
            for each in (arm, other):
                bring(each, tip(0.4, 0.02))


def test_nobody_on_the_port_is_told_with_its_number(elsewhere: Bench) -> None:
    wrong = XArmConfig(address=elsewhere.rig.address, port=PORT + 7, connect_timeout=0.5)
    with pytest.raises(RobotFault, match=rf"on port {PORT + 7}"):
        XArm(wrong)
