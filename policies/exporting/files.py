"""A graph as a file: torch's own, or ONNX."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export.decomp_utils import CustomDecompTable

from .graph import Graph


def write_torch_export(graph: Graph, path: Path) -> None:
    """As `torch.export.load` reads it."""
    torch.export.save(graph.traced(), path)


def write_onnx(graph: Graph, path: Path) -> None:
    """As ONNX, weights inside.

    Raises:
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    import onnxscript  # noqa: F401 - torch would say so in its own words, and later

    with _quiet():
        program = graph.traced().run_decompositions(_table())
        made = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            optimize=False,  # whoever loads it does that, and better
            input_names=list(graph.examples),
            output_names=list(graph.outputs),
        )
        assert made is not None
        made.save(path)


def _table() -> CustomDecompTable:
    table: Any = torch.export.default_decompositions()
    table[torch.ops.aten.searchsorted.Tensor] = _searchsorted
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
