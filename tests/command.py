"""Commands run in this process, as several files of tests run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ibc_gym.cli import main as cli

Answer = tuple[int, str, str]


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Answer:
    """Exit code, standard output and standard error of a command."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The complaint about a command that must be refused, in a line or two and without a traceback."""
    code, _, err = run(capsys, *words, "--json")  # so that standard error holds all that is said
    complaint = err[err.rindex("ibc-gym: ") :]
    assert code in (1, 2)
    assert "Traceback" not in err
    assert len(complaint.strip().splitlines()) <= 2
    return complaint
