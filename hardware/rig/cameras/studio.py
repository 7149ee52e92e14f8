"""What the cameras of the emulated table see, shown to other processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.contracts import Camera

from .picture_link import PicturePublisher


class Studio(Closing):
    """Draws and publishes when it is asked to."""

    def __init__(self, cameras: Mapping[str, Camera], models: Mapping[str, str]) -> None:
        """Take over cameras, which whoever made them closes; each is of a model of `models`, by the camera's name."""
        self._cameras, self._models = cameras, models
        self._publishers = {
            name: PicturePublisher(camera.spec.width, camera.spec.height)
            for name, camera in cameras.items()
        }

    def addresses(self) -> dict[str, dict[str, Any]]:
        """Where each camera's pictures are to be had while this process lives, its model, and what its lens and pose are."""
        return {
            name: {
                "address": self._publishers[name].address,
                "model": self._models[name],
                "spec": asdict(camera.spec),
            }
            for name, camera in self._cameras.items()
        }

    def publish(self, time: float) -> None:
        """Draw what every camera sees, as the picture of a moment of the monotonic clock [s]."""
        for name, camera in self._cameras.items():
            frame = camera.read()
            nothing = np.zeros(frame.image.shape[:2], np.float32)
            depth = nothing if frame.depth is None else frame.depth
            self._publishers[name].publish(frame.image, depth, time)

    def close(self) -> None:
        """Tell whoever looks that nothing more comes; may be called twice."""
        for publisher in self._publishers.values():
            publisher.close()
