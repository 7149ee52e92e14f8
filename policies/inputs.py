"""What a policy looks at: which inputs, how many frames of them, in whose coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ibc_gym.checks import owner, require_at_least, require_finite, require_not_negative
from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import is_image

ActionNormalisation = Literal["min_max", "standardise", "isotropic"]


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """The part of a config that every policy shares; a policy's own config extends it."""

    inputs: tuple[str, ...] = ("state",)
    """Inputs that are seen: "state", "robot", "image" or "image.<camera>"."""
    history: int = 2
    """Frames in a window, the newest last; at the start of an episode the first one is repeated."""
    frame: str | None = None
    """A task's canonical frame, which replaces the state by features and turns the actions; None sees the raw state."""
    mirror: bool = False
    """Whether training batches are mirrored with probability 1/2; needs a frame that has a mirror symmetry."""
    axis_centres: tuple[float, ...] = ()
    """Where the state is made of vectors of the action's length, along axes none of which is special: the centre of each of
    them, in its units. In training the axes of every window are exchanged, and each is turned round about the centres with
    probability 1/2 (an action about the middle of its space); all have the same units. Without any, every axis is its own."""
    observation_noise: float = 0.0
    """Deviation of normal noise that training adds to the normalised features; it blurs differences too small to count on."""
    action_normalisation: ActionNormalisation = "min_max"
    """Map actions to [-1, 1] per dimension, to unit deviation per dimension, or divide all by one largest component."""
    action_knee: float | None = None
    """Below this share of their scale actions keep their proportions, above it they are seen by their logarithm: where
    centimetres of a way and tenths of a millimetre of a push are one policy's actions. None sees them as they are. It bends
    about the middle of the demonstrated actions, which is no movement with the normalisation "isotropic"."""
    feature_scale: Literal["std", "sqrt_std"] = "std"
    """What vectors are divided by: their deviation, or its root as in the released configuration of human data."""
    boundary_buffer: float = 0.05
    """How far the sampling box reaches beyond the demonstrated actions on each side, as a share of their range."""
    image_size: tuple[int, int] | None = None
    """(height, width) that images are resized to [px]; None leaves them as they come."""
    image_crop: tuple[float, float, float, float] | None = None
    """The part of every image that is seen, cut out before it is resized: its top, left, bottom and right edge as shares of
    the image's height and width; None sees all of it."""
    image_shift: int = 0
    """Training moves the images of a window by up to so many pixels [px] each way, as networks see them (cropped and resized),
    edges repeated (random shift, Yarats et al. 2021); every camera's by itself, and no poses beside them. It is right where
    all that matters is seen in each image, so that an action does not change with it."""
    horizon: int = 1
    """Actions that are said at once, a chunk; the first belongs to the newest observation."""
    execute: int = 1
    """How many of a chunk are carried out before the next one is said (receding horizon)."""
    lead: int = 0
    """How many steps later a chunk begins in the demonstrations than the observation that it answers. Where actions are
    positions to go to, each is then further away, and the demonstrated way is gone faster than people went it."""
    ensemble: float | None = None
    """Carry out the mean of all chunks that speak of a step, weighed by exp(-ensemble i), the oldest with i = 0 (ACT)."""

    def __post_init__(self) -> None:
        require_finite(self)
        if not self.inputs or len(set(self.inputs)) != len(self.inputs):
            raise ConfigError(
                f"{owner(self)}.inputs is {self.inputs}, but must name one input or more, each once."
            )
        require_at_least(self, 1, "history")
        if self.frame is not None and "state" not in self.inputs:
            raise ConfigError(
                f"{owner(self)}.frame is {self.frame!r}, which takes features from the state, but inputs is {self.inputs}: "
                "add 'state'."
            )
        if self.mirror and (
            self.frame is None
            or self.inputs != ("state",)
            or self.action_normalisation != "isotropic"
        ):
            raise ConfigError(
                f"{owner(self)}.mirror is set, but without a frame, inputs of 'state' alone and action_normalisation 'isotropic' "
                "nothing can be mirrored."
            )
        if self.axis_centres and (
            self.frame is not None
            or self.inputs != ("state",)
            or self.action_normalisation == "isotropic"
        ):
            raise ConfigError(
                f"{owner(self)}.axis_centres is set, but axes are exchanged only without a frame, with inputs of 'state' alone, "
                "and with actions that are normalised about their centre: by 'min_max' or 'standardise'. Without any number axes are "
                "not exchanged."
            )
        require_not_negative(self, "boundary_buffer", "observation_noise")
        if self.action_knee is not None and self.action_knee <= 0:
            raise ConfigError(
                f"{owner(self)}.action_knee is {self.action_knee}, but must be positive, or None."
            )
        if self.image_size is not None and min(self.image_size) < 1:
            raise ConfigError(
                f"{owner(self)}.image_size is {self.image_size}, but must be (height, width) in pixels."
            )
        if self.image_crop is not None and not _is_part(self.image_crop):
            raise ConfigError(
                f"{owner(self)}.image_crop is {self.image_crop}, but must be (top, left, bottom, right) as shares "
                "from 0 to 1, top above bottom and left of right: (0, 0, 1, 1) is the whole image."
            )
        if self.image_shift < 0:
            raise ConfigError(
                f"{owner(self)}.image_shift is {self.image_shift} pixels, but must not be negative."
            )
        if not 1 <= self.execute <= self.horizon:
            raise ConfigError(
                f"{owner(self)}.execute is {self.execute} and horizon {self.horizon}, but of a chunk of 1 action "
                "or more, at least 1 is carried out and at most all of them."
            )
        if self.lead < 0:
            raise ConfigError(f"{owner(self)}.lead is {self.lead}, but must not be negative.")
        if self.ensemble is not None and (
            self.ensemble < 0 or self.execute > 1 or self.horizon == 1
        ):
            raise ConfigError(
                f"{owner(self)}.ensemble is {self.ensemble}, execute {self.execute} and horizon {self.horizon}, but "
                "the mean of several chunks takes a chunk in every step: set execute=1, a horizon above 1, and ensemble to 0 or more "
                "(0.01 is published)."
            )

    @property
    def image_inputs(self) -> tuple[str, ...]:
        """Those of the inputs that are pictures."""
        return tuple(name for name in self.inputs if is_image(name))

    @property
    def feature_inputs(self) -> tuple[str, ...]:
        """Those of the inputs that are vectors."""
        return tuple(name for name in self.inputs if not is_image(name))

    def crop_of(self, shape: Sequence[int]) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) [px] of the part that is seen of a picture (H, W, C), at least one pixel a side."""
        height, width = shape[:2]
        top, left, bottom, right = self.image_crop or (0.0, 0.0, 1.0, 1.0)
        row, column = min(round(top * height), height - 1), min(round(left * width), width - 1)
        return (
            row,
            column,
            max(round(bottom * height), row + 1),
            max(round(right * width), column + 1),
        )

    def chunk_size(self, spec: PolicySpec) -> int:
        """Numbers of a chunk: H actions one behind the other, H A."""
        return self.horizon * int(spec.action_space.shape[0])


def _is_part(crop: tuple[float, float, float, float]) -> bool:
    top, left, bottom, right = crop
    return 0 <= top < bottom <= 1 and 0 <= left < right <= 1


def input_shape(spec: PolicySpec, name: str) -> tuple[int, ...]:
    """Shape of one frame of an input.

    Raises:
        SpecMismatch: The spaces have no such input, or it is neither a vector nor a picture.
    """
    found: dict[str, Any] = dict(spec.observation_space.spaces)
    if name not in found:
        raise SpecMismatch(
            f"The policy takes the input {name!r}, but task {spec.task!r} gives {', '.join(found)}. "
            "Choose with --policy.inputs, or record with that observation."
        )
    shape: tuple[int, ...] = tuple(found[name].shape)
    if len(shape) != (3 if is_image(name) else 1):
        kind = "a picture (H, W, C)" if is_image(name) else "a vector (O,)"
        raise SpecMismatch(f"Input {name!r} of task {spec.task!r} has shape {shape}, not {kind}.")
    return shape
