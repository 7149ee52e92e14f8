"""A graph as a file: torch's own, or ONNX."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export.decomp_utils import CustomDecompTable

from ibc_gym.errors import ConfigError

from .graph import Graph

_UNKNOWN = re.compile(r"No ONNX function found for <OpOverload\(op='([\w.]+)'")


def write_torch_export(graph: Graph, path: Path) -> None:
    """As `torch.export.load` reads it."""
    torch.export.save(graph.traced(), path)


def write_onnx(graph: Graph, path: Path) -> None:
    """As ONNX, weights inside.

    Raises:
        ModuleNotFoundError: onnx or onnxscript is not installed.
        ConfigError: The policy, or its canonical frame, does something that ONNX cannot say.
    """
    import onnxscript  # noqa: F401 - torch would say so in its own words, and later

    with _quiet():
        program = graph.traced().run_decompositions(_table())
        try:
            made = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                optimize=False,  # whoever loads it does that, and better
                input_names=list(graph.examples),
                output_names=list(graph.outputs),
            )
        except torch.onnx.OnnxExporterError as error:
            raise ConfigError(
                f"The policy does something that ONNX has no operation for ({_culprit(error)}): "
                "use --format torch-export."
            ) from error
        assert made is not None
        made.save(path)


def _culprit(error: BaseException) -> str:
    """The names of the operations, or else the first line of what was wrong in the beginning: torch says pages of it."""
    if names := dict.fromkeys(_UNKNOWN.findall(str(error))):
        return ", ".join(names)
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).partition("\n")[0] or type(error).__name__


def _table() -> CustomDecompTable:
    table: Any = torch.export.default_decompositions()
    table[torch.ops.aten.searchsorted.Tensor] = _searchsorted
    table[torch.ops.aten.hypot.default] = _hypot
    table[torch.ops.aten.atan2.default] = _atan2
    return table  # type: ignore[no-any-return]


def _searchsorted(rows: Tensor, values: Tensor, *, right: bool = False, **others: Any) -> Tensor:
    """`torch.searchsorted` from the right by halving, which ONNX has no operation for: (B, N), (B, M) -> (B, M)."""
    assert right
    size = rows.shape[-1]
    found = torch.zeros(values.shape, dtype=torch.int64)
    stride = 1 << (size.bit_length() - 1)
    while stride:
        further = found + stride
        value = rows.gather(1, (further - 1).clamp(max=size - 1))
        found = torch.where((further <= size) & (value <= values), further, found)
        stride //= 2
    return found


def _hypot(x: Tensor, y: Tensor) -> Tensor:
    return (x * x + y * y).sqrt()


def _atan2(y: Tensor, x: Tensor) -> Any:
    """In single precision: ONNX Runtime has no other."""
    if y.dtype != torch.float64:
        return NotImplemented
    return torch.atan2(y.float(), x.float()).double()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch says of its own insides, and of packages that nobody asked for."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
