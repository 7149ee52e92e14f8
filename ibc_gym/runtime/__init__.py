"""Exported policies on a robot's computer: NumPy and one engine, no trainer, no simulator, no Gymnasium."""

from ibc_gym.runtime.policy import ExportedPolicy, load

__all__ = ["ExportedPolicy", "load"]
