"""Limits around any robot, simulated or real, that hold whatever a policy asks for."""

from .guarded import SafeSimulation, guarded
from .limits import SafetyLimits
from .robot import DeadMan, SafeRobot

__all__ = ["DeadMan", "SafeRobot", "SafeSimulation", "SafetyLimits", "guarded"]
