"""The section of a report that compares policies on the same seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import combinations

from ibc_gym.evaluation.results import SCRIPTED
from ibc_gym.evaluation.uncertainty import compare_means, compare_paired, holm
from ibc_gym.report.words import Entry, name

Pair = tuple[Entry, Entry]


def paired_section(groups: Mapping[str, Sequence[Entry]]) -> str:
    """Every two evaluations of one environment that share seeds.

    Args:
        groups: Evaluations by environment.
    """
    tables = []
    for title, group in groups.items():
        pairs = [pair for pair in combinations(group, 2) if _comparable(pair)]
        if pairs:
            by_success = pairs[0][0][2].score == "success"
            tables.append(
                _success_table(title, pairs) if by_success else _score_table(title, pairs)
            )
    if not tables:
        return ""
    return (
        "<h2>The same seeds, side by side</h2><p><i>p</i> is the chance of a difference at least this large between "
        "equally good policies: McNemar’s exact test for success, which looks only at the episodes that one "
        "solved and the other did not, and the sign-flip test for scores; corrected by Holm where there are several."
        f"</p>{''.join(tables)}"
    )


def _comparable(pair: Pair) -> bool:
    (_, _, one), (_, _, other) = pair
    shared = one.successes().keys() & other.successes().keys()
    return one.score == other.score and bool(shared) and not _same_policy(pair)


def _same_policy(pair: Pair) -> bool:
    """Whether one checkpoint was evaluated twice: nothing can be learned from comparing it with itself."""
    (_, run, one), (_, other_run, other) = pair
    if one.summary["policy"] != other.summary["policy"]:
        return False
    if one.summary["policy"] in SCRIPTED:
        return True
    mine, theirs = (dict(found.summary.get("checkpoint") or {}) for found in (one, other))
    # One checkpoint goes by several paths (best, last, 000500), and runs may be told apart by nothing else.
    same_path = mine.pop("path", None) == theirs.pop("path", None)
    return mine == theirs and (same_path or run is other_run)


def _success_table(title: str, pairs: Sequence[Pair]) -> str:
    found = [compare_paired(one[2].successes(), other[2].successes()) for one, other in pairs]
    rows = [
        f"<td>{result.seeds}</td><td>{result.only_first}</td><td>{result.only_second}</td>"
        f"<td><strong>{100 * result.difference:+.1f}</strong> <small>{100 * result.ci95[0]:+.1f} to "
        f"{100 * result.ci95[1]:+.1f}</small></td>"
        for result in found
    ]
    heads = ("seeds", "only first solved", "only second solved", "difference [points]")
    return _table(title, pairs, heads, rows, [result.p_value for result in found])


def _score_table(title: str, pairs: Sequence[Pair]) -> str:
    found = [compare_means(one[2].scores(), other[2].scores()) for one, other in pairs]
    rows = [
        f"<td>{result.seeds}</td><td><strong>{result.difference:+.4g}</strong> "
        f"<small>{result.ci95[0]:+.4g} to {result.ci95[1]:+.4g}</small></td>"
        for result in found
    ]
    measure = pairs[0][0][2].score.replace("_", " ")
    heads = ("seeds", f"difference of the mean {measure}")
    return _table(title, pairs, heads, rows, [result.p_value for result in found])


def _table(
    title: str,
    pairs: Sequence[Pair],
    heads: Sequence[str],
    rows: Sequence[str],
    p_values: Sequence[float],
) -> str:
    head = "".join(f"<th>{text}</th>" for text in heads)
    body = "".join(
        f'<tr><td>{name(*one)}</td><td class="words">{name(*other)}</td>{row}<td>{_p(p)}</td></tr>'
        for (one, other), row, p in zip(pairs, rows, holm(p_values), strict=True)
    )
    return (
        f'<div class="scroll"><table><caption>{escape(title)}</caption><thead><tr><th>first</th>'
        f'<th class="words">second</th>{head}<th><i>p</i></th></tr></thead><tbody>{body}</tbody></table></div>'
    )


def _p(p: float) -> str:
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"
