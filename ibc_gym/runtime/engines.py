"""What computes an exported graph: PyTorch or ONNX Runtime, each loaded only where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ibc_gym.errors import CheckpointError, MissingDependency

Array = NDArray[Any]


class Engine(Protocol):
    """A graph that can be computed."""

    def __call__(self, arguments: Sequence[Array]) -> list[Array]:
        """Its results for arguments in the graph's order."""


def make_engine(kind: str, model: Path, threads: int) -> Engine:
    """What computes a model of that format, on so many threads; 0 leaves it to the library.

    Raises:
        MissingDependency: The library is not installed.
        CheckpointError: The library cannot read the model.
    """
    needed = f"An exported policy in the format {kind!r}"
    made = _Onnx if kind == "onnx" else _Torch
    try:
        return made(model, threads)
    except ModuleNotFoundError as error:
        explained = MissingDependency.explaining(error, needed_for=needed)
        raise (explained or error) from error
    except Exception as error:  # each library has errors of its own for what it cannot read
        reason = (str(error).splitlines() or [""])[0]
        raise CheckpointError(
            f"{model} cannot be loaded ({type(error).__name__}: {reason}). "
            "Is the library older than the one that wrote it? policy.json says which that was."
        ) from error


class _Onnx:
    def __init__(self, model: Path, threads: int) -> None:
        onnxruntime: Any = import_module("onnxruntime")  # it does not say what it exports
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = (
            3  # errors alone: its advice is about how the graph was written
        )
        self._session = onnxruntime.InferenceSession(
            model, sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._names = [each.name for each in self._session.get_inputs()]

    def __call__(self, arguments: Sequence[Array]) -> list[Array]:
        found = self._session.run(None, dict(zip(self._names, arguments, strict=True)))
        return [np.asarray(each) for each in found]


class _Torch:
    def __init__(self, model: Path, threads: int) -> None:
        import torch

        self._torch, self._threads = torch, threads
        self._graph = torch.export.load(model).module()

    def __call__(self, arguments: Sequence[Array]) -> list[Array]:
        others = self._torch.get_num_threads()  # the process may have work of its own
        self._torch.set_num_threads(self._threads or others)
        try:
            with self._torch.inference_mode():
                found = self._graph(*(self._torch.from_numpy(each) for each in arguments))
        finally:
            self._torch.set_num_threads(others)
        return [each.numpy() for each in found]
