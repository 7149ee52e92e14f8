"""A policy as one graph: windows and random numbers in, a chunk and how sure it is out; for one robot, batch 1."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.nn.utils import parametrize

from ibc_gym.contracts import LearnedPolicy
from ibc_gym.normalise import MOST_BENT
from ibc_gym.records import is_image

from ..base import WindowPolicy, evaluating
from ..ebm import EBM
from .chains import Chains
from .flat_noise import CountingNoise, Draw, FlatNoise
from .frames import TracedFrame


class Graph(nn.Module):
    """What `WindowPolicy.act` does between its history and its queue of chunks, as a function of tensors.

    Its arguments are `examples` in their order: a window of every input in the task's units, (1, T, O), pictures as uint8
    at the size that the network sees, (1, T, h, w, C); then, if they are drawn, uniform and normal numbers, (U,) and (N,).
    Its results are `outputs` in their order: the chunk in the task's units, (H, A), and numbers (1,).
    """

    def __init__(self, policy: WindowPolicy) -> None:
        """Take a fitted policy over: it is the graph's from now on, and no longer acts by itself.

        Raises:
            ConfigError: Nothing has been fitted, or the policy's canonical frame cannot be exported.
        """
        super().__init__()
        exact(policy)
        policy.eval().cpu()
        _bake(policy)
        policy.requires_grad_(False)  # ONNX knows no loop over weights that want a gradient
        self.policy = policy
        self.codec = codec = policy.codec
        fit, space = codec.fit_result, policy.spec.action_space
        numbers: dict[str, NDArray[Any]] = {"offset": fit.action.offset, "scale": fit.action.scale}
        numbers |= {"least": space.low, "greatest": space.high}
        for index, name in enumerate(codec.config.feature_inputs):
            numbers |= {f"offset_{index}": fit.inputs[name].offset}
            numbers |= {f"scale_{index}": fit.inputs[name].scale}
        for name, values in numbers.items():
            self.register_buffer(name, torch.from_numpy(np.array(values, np.float32)))
        self.frame: TracedFrame | None = None
        if codec.frame is not None:
            window = (codec.config.history, codec.shapes["state"][0])
            chunk = (codec.config.horizon, policy.spec.action_space.shape[0])
            self.frame = TracedFrame(codec.frame, window, chunk)
        self.inputs: tuple[str, ...] = codec.config.inputs
        self.draws, self.outputs = self._counted()
        if isinstance(policy, EBM) and cast("Any", policy.config).optimiser == "langevin":
            cast("Any", policy)._search = Chains(policy).search

    @property
    def examples(self) -> dict[str, Tensor]:
        """Arguments by name, such as they may be: nothing is seen, and what is drawn is drawn from the middle."""
        found = self._windows()
        for kind in ("uniform", "normal"):
            if size := self._drawn(kind):
                found[kind] = torch.full((size,), 0.5)
        return found

    def forward(self, *arguments: Tensor) -> tuple[Tensor, ...]:
        """As the class says."""
        given = dict(zip(self.examples, arguments, strict=True))
        nothing = torch.zeros(0)
        noise = FlatNoise(given.get("uniform", nothing), given.get("normal", nothing))
        inputs = self._inputs(given)
        chosen = self.policy._choose(inputs, noise)
        doubts = self.policy._doubts(inputs)
        return self._action(chosen, given), *doubts.values()

    def traced(self) -> ExportedProgram:
        """The graph, written out."""
        with torch.no_grad(), _quiet():
            return torch.export.export(self, tuple(self.examples.values()), strict=False)

    def _inputs(self, windows: dict[str, Tensor]) -> dict[str, Tensor]:
        """What `_tensors` makes of windows, by tensors alone."""
        config, parts = self.codec.config, []
        for index, name in enumerate(config.feature_inputs):
            window = windows[name]
            if self.frame is not None and name == "state":
                window = self.frame.features(window)
            offset, scale = self.get_buffer(f"offset_{index}"), self.get_buffer(f"scale_{index}")
            parts.append(((window - offset) / scale).flatten(1))
        inputs = {name: windows[name] for name in config.image_inputs}
        if parts:
            inputs["features"] = torch.cat(parts, dim=1)
        return self.policy._prepared(inputs)

    def _action(self, chosen: Tensor, windows: dict[str, Tensor]) -> Tensor:
        """What `Codec.actions_out` makes of it, by tensors alone."""
        chunk = chosen.unflatten(1, (self.codec.config.horizon, -1))[0]
        if (knee := self.codec.fit_result.action.knee) is not None:
            bends = torch.clamp(chunk * math.asinh(1 / knee), -MOST_BENT, MOST_BENT)
            chunk = knee * torch.sinh(bends)
        chunk = chunk * self.get_buffer("scale") + self.get_buffer("offset")
        if self.frame is not None:
            chunk = self.frame.out_of(chunk, windows["state"])
        return torch.clamp(chunk, self.get_buffer("least"), self.get_buffer("greatest"))

    def _windows(self) -> dict[str, Tensor]:
        history = self.codec.config.history
        shapes = {}
        for name in self.inputs:
            if is_image(name):
                shape = self.codec.picture_shape(name)
                shapes[name] = torch.zeros((1, history, *shape), dtype=torch.uint8)
            else:
                shapes[name] = torch.zeros(1, history, *self.codec.shapes[name])
        return shapes

    def _counted(self) -> tuple[tuple[Draw, ...], tuple[str, ...]]:
        """What is drawn for an action, in its order, and what comes out."""
        noise = CountingNoise()
        with evaluating(self.policy), torch.no_grad():
            inputs = self._inputs(self._windows())
            self.policy._choose(inputs, noise)
            doubts = self.policy._doubts(inputs)
        return tuple(noise.draws), ("action", *doubts)

    def _drawn(self, kind: str) -> int:
        return sum(size for drawn, size in self.draws if drawn == kind)


def exact(policy: LearnedPolicy) -> LearnedPolicy:
    """The same policy, from now on in single precision altogether: as a graph of it acts."""
    if isinstance(policy, EBM):
        policy.exact = True
    return policy


def _bake(policy: WindowPolicy) -> None:
    """Weights that are computed from others, as those under spectral normalisation, become plain ones."""
    for layer in list(policy.modules()):
        if parametrize.is_parametrized(layer):
            for name in list(cast("Any", layer).parametrizations):
                parametrize.remove_parametrizations(layer, name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings that are about torch's own insides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
