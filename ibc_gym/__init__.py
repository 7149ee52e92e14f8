"""A robotics gym for Implicit Behavioral Cloning, from simulation to a real arm without changing a line."""

from ibc_gym.starting import one_line_on_ctrl_c

with one_line_on_ctrl_c():
    from ibc_gym.registry import make_env, make_vec_env, register_gymnasium_ids

    register_gymnasium_ids()

__version__ = "0.1.0"

__all__ = ["__version__", "make_env", "make_vec_env"]
