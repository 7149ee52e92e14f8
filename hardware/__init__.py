"""Robots, cameras and people that are really there, and the emulated rig that stands in for them."""
