"""Builders of a scene: each makes a robot, cameras and a scene from one description."""
