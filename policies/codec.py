"""Between the task's units and normalised network inputs, once for all policies and both ways.

Windows are checked, brought into the canonical frame if there is one, and normalised; actions come back the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from ibc_gym.checks import owner
from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.normalise import Normaliser, min_max, standardise
from ibc_gym.records import Float32, Windows, is_image

from .axes import check_axes, fitted_alike, for_all_axes, images
from .chunks import check_lead, cut
from .excerpts import excerpts_of
from .images import channel_statistics, cropped_and_resized
from .inputs import InputConfig, input_shape

Arrays = Mapping[str, NDArray[Any]]

MOST_ENLARGED: Final = 4
"""How many times as high and wide as what the camera gives a picture may be made for a network."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """What is fitted to the training windows."""

    inputs: Mapping[str, Normaliser]
    """By input name; of pictures per channel, of a canonical frame per feature."""
    action: Normaliser
    """(A,)"""
    low: Float32
    """Lower corner of the sampling box, normalised, (A,)."""
    high: Float32
    """Upper corner, (A,)."""
    excerpts: Float32 | None = None
    """Of a policy that sees states in a canonical frame: some of them on end, in the task's units, (E, L, O)."""

    def to_json(self) -> dict[str, Any]:
        """Plain numbers that `from_json` reads back exactly."""
        return {
            "inputs": {name: normaliser.to_json() for name, normaliser in self.inputs.items()},
            "action": self.action.to_json(),
            "box": {"low": self.low.tolist(), "high": self.high.tolist()},
            **({} if self.excerpts is None else {"excerpts": self.excerpts.tolist()}),
        }

    @classmethod
    def from_json(cls, numbers: Mapping[str, Any]) -> Self:
        """Read back what `to_json` gave."""
        return cls(
            inputs={name: Normaliser.from_json(part) for name, part in numbers["inputs"].items()},
            action=Normaliser.from_json(numbers["action"]),
            low=np.array(numbers["box"]["low"], np.float32),
            high=np.array(numbers["box"]["high"], np.float32),
            excerpts=np.array(numbers["excerpts"], np.float32) if "excerpts" in numbers else None,
        )


class Codec:
    """Normalises windows of observations, and actions both ways.

    A window of an input is (B, T, ...). The state of a canonical frame is seen as its features.
    """

    def __init__(self, config: InputConfig, spec: PolicySpec, frame: CanonicalFrame | None) -> None:
        """Work out the sizes; `fit` or `fitted` must follow before anything is normalised.

        Raises:
            SpecMismatch: The spaces lack an input, or have it in another form.
            ConfigError: Config and frame contradict each other.
        """
        if (frame is None) != (config.frame is None):
            raise ConfigError(
                f"The config's frame is {config.frame!r}, but the frame given is {frame}."
            )
        if config.mirror and frame is not None and not frame.odd_features:
            raise ConfigError(
                f"{owner(config)}.mirror is set, but the frame {config.frame!r} has no mirror symmetry."
            )
        self.config = config
        self.spec = spec
        self.frame = frame
        self.shapes = {name: input_shape(spec, name) for name in config.inputs}
        self._fit: Fit | None = None
        self._check_pictures()
        if config.axis_centres:
            check_axes(config, spec)

    @property
    def axes(self) -> int:
        """Numbers of an action, A."""
        return self._actions[0]

    @property
    def feature_size(self) -> int:
        """Length of the vector that all low-dimensional inputs make together."""
        return sum(
            self.frame.size
            if self.frame is not None and name == "state"
            else self.config.history * self.shapes[name][0]
            for name in self.config.feature_inputs
        )

    @property
    def picture_shapes(self) -> dict[str, tuple[int, int, int]]:
        """(T C, h, w) of every image input, as networks see it."""
        shapes = {}
        for name in self.config.image_inputs:
            height, width, channels = self.picture_shape(name)
            shapes[name] = (self.config.history * channels, height, width)
        return shapes

    def picture_shape(self, name: str) -> tuple[int, int, int]:
        """(h, w, C) of one frame of an image input, at the size that networks see."""
        top, left, bottom, right = self.config.crop_of(self.shapes[name])
        height, width = self.config.image_size or (bottom - top, right - left)
        return height, width, self.shapes[name][2]

    @property
    def fit_result(self) -> Fit:
        """What was fitted.

        Raises:
            ConfigError: Nothing was.
        """
        if self._fit is None:
            raise ConfigError(
                "The policy has no normalisers yet: call fit(windows) or load_fitted(...) first."
            )
        return self._fit

    @fit_result.setter
    def fit_result(self, fit: Fit) -> None:
        if set(fit.inputs) != set(self.config.inputs) or fit.action.scale.shape != self._actions:
            raise SpecMismatch(
                f"The normalisers are for {sorted(fit.inputs)} and {fit.action.scale.shape} actions, but the "
                f"policy takes {sorted(self.config.inputs)} and gives {self._actions}. "
                "Is the checkpoint of another task?"
            )
        self._fit = fit

    def fit(self, windows: Windows) -> None:
        """Fit normalisers and the sampling box (Florence et al. 2021, §B) to the training windows.

        Raises:
            SpecMismatch: The windows are empty, not finite, or do not fit the spaces, or the lead reaches the end of
                every episode.
        """
        self.check(windows)
        check_lead(windows, self.config.lead)
        inputs = {name: self._fit_input(windows, name) for name in self.config.inputs}
        actions = self._framed(cut(windows, self.config.horizon, self.config.lead), windows)
        actions = actions.reshape(-1, actions.shape[-1])  # (M H, A)
        if self.config.axis_centres:
            actions = images(actions, [self._middle])  # (2 M H A, 1): along any axis
        action = self._fit_action(actions)
        low, high = self._box(actions, action)
        if self.config.axis_centres:
            action = for_all_axes(action, self.axes)
        excerpts = None if self.frame is None else excerpts_of(windows, "state")
        self._fit = Fit(inputs=inputs, action=action, low=low, high=high, excerpts=excerpts)

    def check(self, windows: Windows) -> None:
        """Raise SpecMismatch if the windows cannot be those of the spaces."""
        if not len(windows):
            raise SpecMismatch(f"There are no training windows for task {self.spec.task!r}.")
        if windows.index.shape[1] != self.config.history:
            raise SpecMismatch(
                f"The windows have {windows.index.shape[1]} frames, but the policy's history is "
                f"{self.config.history}."
            )
        if windows.action.shape[1:] != self._actions:
            raise SpecMismatch(
                f"The windows' actions have shape {windows.action.shape[1:]}, but {self.spec.task!r} "
                f"takes {self._actions}."
            )
        _check_finite("action", windows.action, "window")
        for name in self.config.inputs:
            if name not in windows.frames:
                raise SpecMismatch(
                    f"The policy takes {name!r}, but the data hold {', '.join(windows.frames)}. "
                    "Record with that observation, or choose others with --policy.inputs."
                )
            self.check_frames(name, windows.frames[name], "frame")

    def _check_pictures(self) -> None:
        for name in self.config.image_inputs:
            height, width, _ = self.picture_shape(name)
            top, left, bottom, right = self.config.crop_of(self.shapes[name])
            if height > MOST_ENLARGED * (bottom - top) or width > MOST_ENLARGED * (right - left):
                raise ConfigError(
                    f"{owner(self.config)}.image_size is {height} x {width} pixels, but what is seen of {name!r} has "
                    f"{bottom - top} x {right - left}: larger pictures show no more. At most {MOST_ENLARGED} times its size is taken."
                )
            if self.config.image_shift >= min(height, width):
                raise ConfigError(
                    f"{owner(self.config)}.image_shift is {self.config.image_shift} pixels, but pictures of {name!r} are "
                    f"{height} x {width} as networks see them, so that nothing might be left of one."
                )

    def check_frames(self, name: str, frames: NDArray[Any], row: str) -> None:
        """Raise SpecMismatch unless (F, ...) are finite frames of that input; `row` names the first axis."""
        if frames.shape[1:] != self.shapes[name]:
            raise SpecMismatch(
                f"Input {name!r} has shape {frames.shape[1:]}, but {self.spec.task!r} gives "
                f"{self.shapes[name]}. Was the policy trained on another task? Its checkpoint says which."
            )
        if frames.dtype.kind not in "biuf":
            raise SpecMismatch(f"Input {name!r} holds {frames.dtype}, but must hold numbers.")
        if not is_image(name):
            _check_finite(name, frames, row)
        elif frames.dtype != np.uint8:
            raise SpecMismatch(f"Input {name!r} has type {frames.dtype}, but pictures are uint8.")

    def features(self, windows: Arrays) -> Float32:
        """All low-dimensional inputs of windows (B, T, ...), normalised, side by side, (B, F)."""
        parts = []
        for name in self.config.feature_inputs:
            raw = self._raw_features(name, np.asarray(windows[name], np.float32))
            parts.append(self.fit_result.inputs[name].apply(raw).reshape(len(raw), -1))
        return np.concatenate(parts, axis=1)

    @property
    def feature_scales(self) -> Float32:
        """What each of `features` was divided by, (F,)."""
        frames = {"state": 1} if self.frame is not None else {}
        scales = [
            np.tile(self.fit_result.inputs[name].scale, frames.get(name, self.config.history))
            for name in self.config.feature_inputs
        ]
        return np.concatenate([np.zeros(0, np.float32), *scales])

    def pictures(self, name: str, frames: NDArray[Any]) -> NDArray[np.uint8]:
        """What networks see of frames of an image input (F, H, W, C), at their size."""
        crop = self.config.crop_of(self.shapes[name])
        return cropped_and_resized(frames, crop, self.config.image_size)

    @property
    def odd_actions(self) -> list[int]:
        """Numbers of a chunk that change sign under the frame's mirror symmetry."""
        size, odd = self._actions[0], () if self.frame is None else self.frame.odd_actions
        return [step * size + number for step in range(self.config.horizon) for number in odd]

    def chunks_in(self, windows: Windows, seen: Arrays) -> Float32:
        """The demonstrated chunks (M, H A), as `actions_in` gives them; `seen` holds the windows of vectors.

        All actions of a chunk are in the canonical frame in which it is said, that of its first step.
        """
        chunks = self.actions_in(cut(windows, self.config.horizon, self.config.lead), seen)
        return chunks.reshape(len(chunks), -1)

    def actions_in(self, actions: Float32, windows: Arrays) -> Float32:
        """Actions (B, A), or several for each window (B, N, A), normalised and in the canonical frame if there is one."""
        return self.fit_result.action.apply(self._framed(actions, windows))

    def actions_out(self, normalised: Float32, windows: Arrays) -> Float32:
        """The inverse of `actions_in`, clipped to the action space."""
        actions = self.fit_result.action.invert(normalised)
        if self.frame is not None:
            actions = _turned(self.frame.out_of, actions, windows["state"])
        space = self.spec.action_space
        return np.clip(actions, space.low, space.high).astype(np.float32)

    @property
    def _middle(self) -> float:
        """Of the action space, along any of axes that are alike."""
        space = self.spec.action_space
        return float(space.low[0] + space.high[0]) / 2

    @property
    def _actions(self) -> tuple[int, ...]:
        return tuple(self.spec.action_space.shape)

    def _framed(self, actions: Float32, windows: Windows | Arrays) -> Float32:
        if self.frame is None:
            return actions
        states = windows.observation("state") if isinstance(windows, Windows) else windows["state"]
        return _turned(self.frame.into, actions, states)

    def _raw_features(self, name: str, windows: Float32) -> Float32:
        """(B, T, O), or of a canonical frame (B, F)."""
        if self.frame is None or name != "state":
            return windows
        return self.frame.features(windows)

    def _fit_input(self, windows: Windows, name: str) -> Normaliser:
        seen = np.unique(windows.index)
        if is_image(name):
            return channel_statistics(self.pictures(name, windows.frames[name][_spread(seen)]))
        if self.frame is None or name != "state":
            frames, centres = windows.frames[name][seen], self.config.axis_centres
            if centres:
                return self._scaled(
                    fitted_alike(standardise, np.asarray(frames, np.float32), centres)
                )
            return self._scaled(standardise(frames))
        features = self._raw_features(name, np.asarray(windows.observation(name), np.float32))
        return self._scaled(standardise(features, about_zero=self.frame.odd_features))

    def _scaled(self, fitted: Normaliser) -> Normaliser:
        """Of vectors of unit deviation, what the config divides by instead."""
        if self.config.feature_scale == "std":
            return fitted
        return Normaliser(offset=fitted.offset, scale=np.sqrt(fitted.scale))

    def _fit_action(self, actions: Float32) -> Normaliser:
        return replace(self._scaled_action(actions), knee=self.config.action_knee)

    def _scaled_action(self, actions: Float32) -> Normaliser:
        match self.config.action_normalisation:
            case "min_max":
                return min_max(actions)
            case "standardise":
                return standardise(actions)
            case "isotropic":
                largest = float(np.abs(actions).max()) or 1.0
                size = actions.shape[1]
                return Normaliser(
                    offset=np.zeros(size, np.float32), scale=np.full(size, largest, np.float32)
                )

    def _box(self, actions: Float32, action: Normaliser) -> tuple[Float32, Float32]:
        """Corners of the sampling box, normalised: the data's range, widened and clipped to the action space."""
        if self.config.action_normalisation == "isotropic":
            edge = (1 + 2 * self.config.boundary_buffer) * action.scale
            low, high = -edge, edge
        else:
            low, high = actions.min(axis=0), actions.max(axis=0)
            margin = self.config.boundary_buffer * (high - low)
            low, high = low - margin, high + margin
        if self.frame is None:  # the limits are the task's axes; in a turned frame they are no box
            space = self.spec.action_space
            low, high = np.clip(low, space.low, space.high), np.clip(high, space.low, space.high)
        return action.apply(low), action.apply(high)


def _turned(
    turn: Callable[[Float32, Float32], Float32], actions: Float32, states: NDArray[Any]
) -> Float32:
    """Actions (B, A) or (B, N, A) turned by the states (B, T, O), which N actions share."""
    states = np.asarray(states, np.float32)
    if actions.ndim == 2:
        return turn(actions, states)
    flat = actions.reshape(-1, actions.shape[-1])
    return turn(flat, np.repeat(states, actions.shape[1], axis=0)).reshape(actions.shape)


_STATISTICS_PICTURES = 256


def _spread(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most a few hundred of the rows, evenly spread."""
    return rows[:: max(1, len(rows) // _STATISTICS_PICTURES)]


def _check_finite(name: str, rows: NDArray[Any], row: str) -> None:
    if np.isfinite(rows).all():
        return
    bad = np.argwhere(~np.isfinite(rows))[0]
    raise SpecMismatch(
        f"{name!r} is {rows[tuple(bad)]} in {row} {bad[0]}, element {tuple(bad[1:].tolist())}. "
        "Every number must be finite: check the recording, or leave that episode out."
    )
