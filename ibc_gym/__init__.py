"""A robotics gym for Implicit Behavioral Cloning, from simulation to a real arm without changing a line."""

from importlib.util import find_spec

from ibc_gym.starting import one_line_on_ctrl_c

if find_spec("gymnasium") is not None:  # a robot's computer runs ibc_gym.runtime without it
    with one_line_on_ctrl_c():
        from ibc_gym.registry import make_env, make_vec_env, register_gymnasium_ids

        register_gymnasium_ids()

__version__ = "0.1.0"

__all__ = ["__version__", "make_env", "make_vec_env"]
