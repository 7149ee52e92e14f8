"""Write xarm6.urdf from the arm's table and its looks: python assets/robots/make_xarm6.py."""

from __future__ import annotations

from pathlib import Path

from ibc_gym.envs.urdf import arm_urdf
from ibc_gym.envs.xarm6_looks import XARM6_LOOKS
from ibc_gym.xarm6 import XARM6

if __name__ == "__main__":
    path = Path(__file__).with_name("xarm6.urdf")
    path.write_text(arm_urdf(XARM6, XARM6_LOOKS))
    print(f"Wrote {path}")
