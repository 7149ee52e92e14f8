"""What all learned policies share: windows in, normalised tensors through, actions out.

A policy of the family adds a network, a loss, and a way to choose an action; see `ebm.py` and `mse.py`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch, TrainingDiverged
from ibc_gym.records import Bool, Float32, Int64, Observation, Windows, is_image

from .augmentation import augmented
from .chunks import ChunkQueue, merged
from .codec import Codec, Fit
from .history import History
from .images import stack
from .inputs import InputConfig
from .networks.spectral_norm import keep_iterations
from .noise import Noise, RowNoise, seeded
from .training_data import TensorWindows

Batch = Mapping[str, Tensor]


class WindowPolicy(nn.Module):
    """A policy that acts on the last frames; the base of all networks here.

    Parameters are the module's state; what `fit` found is plain JSON beside it.
    """

    Config: ClassVar[type[InputConfig]]
    descends: ClassVar[bool] = True
    """Whether it has weights that training changes; a table has none."""

    def __init__(
        self, config: InputConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; weights come from torch's global generator, as in every torch module.

        Args:
            config: An instance of `Config`.
            spec: The spaces it maps between.
            frame: The canonical frame that the config names, if it names one.

        Raises:
            SpecMismatch: The spaces lack an input.
            ConfigError: Config, spaces and frame contradict each other.
        """
        super().__init__()
        self._config = config
        self._spec = spec
        self._codec = Codec(config, spec, frame)
        self._history = History(config.history)
        self._seen: dict[str, Tensor] = {}
        self._queue = ChunkQueue(
            config.horizon,
            spec.action_space.shape[0],
            execute=config.execute,
            ensemble=config.ensemble,
        )
        self._due: Int64 = np.zeros(0, np.int64)
        self._in_parts = False
        self.action_size: int = config.chunk_size(spec)
        for name in ("low", "high"):
            self.register_buffer(name, torch.zeros(self.action_size), persistent=False)
        for index, shape in enumerate(self._codec.picture_shapes.values()):
            channels = shape[0] // config.history
            self.register_buffer(f"mean_{index}", torch.zeros(channels), persistent=False)
            self.register_buffer(f"std_{index}", torch.ones(channels), persistent=False)

    @property
    def config(self) -> Any:
        """The config that it was made from."""
        return self._config

    @property
    def spec(self) -> PolicySpec:
        """The spaces that it was made for."""
        return self._spec

    @property
    def codec(self) -> Codec:
        """Between the task's units and its own."""
        return self._codec

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.get_buffer("low").device

    def fit(self, windows: Windows) -> None:
        """Fit normalisers and the sampling box; call once, with the training split.

        Raises:
            SpecMismatch: The windows are empty, not finite, or do not fit the spaces.
        """
        self._codec.fit(windows)
        self._take(self._codec.fit_result)

    def encode(self, windows: Windows) -> TensorWindows:
        """Normalise all windows into tensors, once, before training.

        Raises:
            SpecMismatch: As for `fit`.
            ConfigError: Nothing has been fitted yet.
        """
        self._codec.check(windows)
        return TensorWindows.of(windows, self._codec)

    def fitted(self) -> Mapping[str, Any]:
        """What `fit` found, as plain JSON."""
        return self._codec.fit_result.to_json()

    def load_fitted(self, fitted: Mapping[str, Any]) -> None:
        """Read back what `fitted` gave.

        Raises:
            SpecMismatch: It belongs to other inputs or actions.
        """
        self._codec.fit_result = Fit.from_json(fitted)
        self._take(self._codec.fit_result)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Forget histories and chunks of the episodes that begin, and reseed their randomness.

        Args:
            mask: (B,), true where an episode begins.
            seeds: The episodes' seeds, (B,); None takes one from the system.
        """
        self._history.reset(mask, seeds)
        self._queue.reset(mask)

    def act(self, observation: Observation) -> Float32:
        """The next action of every environment, (B, A), inside the action space.

        Raises:
            SpecMismatch: The observation lacks an input, or has another shape than in training, or a NaN.
            ConfigError: Nothing has been fitted or reset yet.
            TrainingDiverged: The network gave something that is not finite.
        """
        windows = self._history.push(self._frames(observation))
        self._due = self._queue.due
        if len(self._due):
            if len(self._due) < self._history.rows:
                windows = {name: window[self._due] for name, window in windows.items()}
            self._queue.put(self._due, self._predict(windows))
        return self._queue.next()

    @property
    def decided(self) -> bool:
        """Whether the last `act` said a chunk for any environment, and did not only carry out the ones before."""
        return len(self._due) > 0

    def uncertainty(self) -> Mapping[str, Float32]:
        """How sure the policy was of what it carries out, by name, (B,); "novelty" is every policy's that sees vectors.

        It is the greatest deviation of a feature from its mean in the training data, in standard deviations: a policy
        that was never there knows nothing, whatever else it says.

        Raises:
            ConfigError: `act` has not been called yet.
        """
        if not self._seen:
            raise ConfigError("Call act() before uncertainty(): nothing has been decided yet.")
        with evaluating(self), torch.no_grad():
            doubts = self._doubts(self._seen)
        return {name: values.float().cpu().numpy() for name, values in doubts.items()}

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The scalar to descend, and its named parts and diagnostics, all of shape ()."""

    @abstractmethod
    def validate(self, batch: Batch, generator: torch.Generator) -> Mapping[str, float]:
        """Measures on held-out windows, "action_error" among them."""

    @abstractmethod
    def _choose(self, inputs: Batch, noise: Noise) -> Tensor:
        """Chunks (R, H A), normalised, for network inputs as `_prepared` gives them, of the rows `_due`."""

    def _predict(self, windows: Mapping[str, NDArray[Any]]) -> Float32:
        """Chunks (R, H, A) in the task's units, for the windows (R, T, ...) of the rows `_due`."""
        noise = RowNoise([self._history.generators[row] for row in self._due], self.device)
        inputs = self._look(windows)
        with evaluating(self), torch.no_grad():
            chosen = self._choose(inputs, noise)
        normalised = chosen.cpu().numpy()
        if not np.isfinite(normalised).all():
            row, number = np.argwhere(~np.isfinite(normalised))[0]
            raise TrainingDiverged(
                f"The policy chose an action in environment {self._due[row]} whose number {number} is "
                f"{normalised[row, number]}: its weights or its energies are not finite, or what it sees is far beyond all "
                "that it learned from. Use an earlier checkpoint, or look at the observation."
            )
        chunks = normalised.reshape(len(normalised), self._config.horizon, -1)
        return self._codec.actions_out(chunks, windows)

    def _look(self, windows: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
        """Network inputs of windows (R, T, ...) of the rows `_due`, which `uncertainty` will be asked about."""
        inputs = self._tensors(windows)
        self._seen = {
            name: self._kept(self._seen.get(name), values) for name, values in inputs.items()
        }
        return inputs

    def _kept(self, before: Tensor | None, new: Tensor) -> Tensor:
        """What is remembered of every environment (B, ...), that of the rows `_due` being new (R, ...)."""
        return merged(before, self._due, new, self._history.rows)

    def _action_errors(self, chosen: Tensor, demonstrated: Tensor) -> dict[str, float]:
        """How far chunks (B, H A) are from the demonstrated ones, over the actions that would be carried out."""
        steps, executed = self._config.horizon, self._config.execute
        return action_errors(
            *(each.unflatten(1, (steps, -1))[:, :executed] for each in (chosen, demonstrated))
        )

    def _doubts(self, inputs: Batch) -> dict[str, Tensor]:
        """What `uncertainty` says, each (B,), of the inputs that `_choose` was just given."""
        if "features" not in inputs:
            return {}
        deviations = inputs["features"].abs()
        if self._config.feature_scale == "sqrt_std":
            scales = torch.from_numpy(self._codec.feature_scales).to(self.device)
            deviations = deviations / scales
        return {"novelty": deviations.amax(dim=1)}

    def _prepared(self, batch: Batch) -> dict[str, Tensor]:
        """A batch as networks see it: pictures (B, T, H, W, C) become standardised channels."""
        prepared = dict(batch)
        for index, name in enumerate(self._codec.config.image_inputs):
            mean, std = getattr(self, f"mean_{index}"), getattr(self, f"std_{index}")
            prepared[name] = stack(batch[name], mean, std)
        return prepared

    def _augmented(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch; in training, changed at random as the config says."""
        return augmented(batch, self._codec, generator) if self.training else batch

    def _dropout(self, share: float, generator: torch.Generator) -> AbstractContextManager[None]:
        """Within the block, dropout of that share follows `generator` instead of torch's global one."""
        return seeded(generator, self.device) if share and self.training else nullcontext()

    def _passed(self) -> None:
        """A loss ends with it: what a pass in training found out about the weights is kept for the next one."""
        if self.training and not self._in_parts:
            keep_iterations(self)

    @contextmanager
    def one_update(self) -> Iterator[None]:
        """As `offers.LearnsInParts` has it; of a block that fails, nothing is kept."""
        self._in_parts = True
        try:
            yield
        finally:
            self._in_parts = False
        self._passed()

    def _frames(self, observation: Observation) -> dict[str, NDArray[Any]]:
        """The newest frames of every input, checked, pictures at their size in the network."""
        if not self._history.rows:
            raise ConfigError("Call reset(mask, seeds) before act(): no episode has begun.")
        frames = {}
        for name in self._config.inputs:
            if name not in observation:
                raise SpecMismatch(
                    f"The policy takes {name!r}, but the observation holds {', '.join(observation)}. "
                    "Make the environment with that observation."
                )
            frame = np.asarray(observation[name])
            self._codec.check_frames(name, frame, "environment")
            if len(frame) != self._history.rows:
                raise SpecMismatch(
                    f"{name!r} came for {len(frame)} environments, but {self._history.rows} were reset."
                )
            frames[name] = self._codec.pictures(name, frame) if is_image(name) else frame
        return frames

    def _tensors(self, windows: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
        device = self.device
        config = self._codec.config
        inputs = {name: torch.from_numpy(windows[name]).to(device) for name in config.image_inputs}
        if config.feature_inputs:
            inputs["features"] = torch.from_numpy(self._codec.features(windows)).to(device)
        return self._prepared(inputs)

    def _take(self, fit: Fit) -> None:
        """Put what was fitted beside the weights, on their device."""
        steps = self._config.horizon
        numbers = {"low": np.tile(fit.low, steps), "high": np.tile(fit.high, steps)}
        for index, name in enumerate(self._codec.config.image_inputs):
            numbers[f"mean_{index}"] = fit.inputs[name].offset
            numbers[f"std_{index}"] = fit.inputs[name].scale
        for name, values in numbers.items():
            getattr(self, name).copy_(torch.from_numpy(values))


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode within the block, and the former mode after it.

    The weights must not change meanwhile: those that are spectrally normalised are computed once.
    """
    training = module.training
    if training:
        module.eval()
    try:
        with parametrize.cached():
            yield
    finally:
        if training:
            module.train()


def action_errors(chosen: Tensor, demonstrated: Tensor) -> dict[str, float]:
    """Mean Euclidean distance of actions (B, H, A), in their normalised units, and the mean of its square.

    The distance of a chunk is the mean of those of its actions.
    """
    distance = torch.linalg.vector_norm(chosen - demonstrated, dim=-1).mean(dim=1)
    return {
        "action_error": float(distance.mean()),
        "action_error_square": float(distance.square().mean()),
    }


def check_finite(what: str, values: Tensor, batch: Batch, module: nn.Module) -> None:
    """Raise TrainingDiverged, with where it began, unless all values are finite.

    What is being traced cannot raise: whoever runs the graph looks at what comes out of it.
    """
    if torch.compiler.is_compiling():
        return
    if torch.isfinite(values).all():
        return
    for name, numbers in batch.items():
        if not torch.isfinite(numbers).all():
            raise TrainingDiverged(
                f"The {what} is not finite, and neither is {name!r} in the batch: check the data."
            )
    for name, kept in module.state_dict().items():
        if not torch.isfinite(kept).all():
            raise TrainingDiverged(
                f"The {what} is not finite, and neither are the weights {name!r}: an earlier step broke them. "
                "Lower the learning rate, or clip gradients."
            )
    raise TrainingDiverged(
        f"The {what} is not finite although data and weights are: they overflow within the network. "
        "Lower the learning rate, or switch mixed precision off."
    )
