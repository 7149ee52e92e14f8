"""What an environment sees by: its workcell's cameras, each picture fresh and seen once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ibc_gym.contracts import Camera
from ibc_gym.errors import CameraTimeout
from ibc_gym.offers import Returning
from ibc_gym.records import Frame


def image_keys(cameras: Mapping[str, Camera]) -> dict[str, str]:
    """Observation key of every camera: "image" if there is one, else "image.<camera>"."""
    names = list(cameras)
    return {"image": names[0]} if len(names) == 1 else {f"image.{name}": name for name in names}


class Sight:
    """The cameras that an environment shows pictures of."""

    def __init__(
        self, cameras: Mapping[str, Camera], shown: Iterable[str], period: float, *, renders: bool
    ) -> None:
        """See those whose keys are shown; a picture may be one control period old [s].

        `renders` says whether the first camera's pictures will be wanted in any case.
        """
        keys = image_keys(cameras)
        self._seen = {key: keys[key] for key in shown if key in keys}
        self._cameras, self._period = cameras, period
        self._wanted = dict.fromkeys([*self._seen.values(), *list(cameras)[:renders]])
        self.numbers: dict[str, int] = {}
        """Of the last picture of each camera."""

    def wait(self) -> None:
        """Let cameras return that have just failed, before an episode; nothing moves meanwhile.

        Raises:
            CameraTimeout: One is lost, or does not return in the time that its return may take.
        """
        for camera in map(self._cameras.__getitem__, self._wanted):
            if isinstance(camera, Returning):
                camera.wait_until_fresh()

    def forget(self) -> None:
        """The picture that was seen last may be seen again."""
        self.numbers = {}

    def look(self, now: float, step: int) -> Iterator[tuple[str, str, Frame]]:
        """Observation key, camera and newest picture of each.

        Args:
            now: When the robot was measured, on the workcell's clock [s].
            step: Of the episode, for messages.

        Raises:
            CameraTimeout: A picture is older than a control period, or was seen before.
        """
        for key, name in self._seen.items():
            frame = self._cameras[name].read()
            self._refuse_stale(name, frame, now, step)
            yield key, name, frame

    def _refuse_stale(self, name: str, frame: Frame, now: float, step: int) -> None:
        if now - frame.time > self._period * 1.01:
            raise CameraTimeout(
                f"Camera {name!r} shows a picture {now - frame.time:.3f} s old at step {step}; "
                f"one control period is {self._period} s. Check its cable and frame rate."
            )
        if self.numbers.get(name) == frame.number:
            raise CameraTimeout(
                f"Camera {name!r} gave picture number {frame.number} twice at step {step}: it is frozen."
            )
        self.numbers[name] = frame.number
