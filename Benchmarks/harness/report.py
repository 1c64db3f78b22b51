"""Medians, ratios, and whether they reach the thresholds."""

import json
import pathlib
import statistics

_THRESHOLDS = pathlib.Path(__file__).parents[1] / "Thresholds/proxy.json"
#: Throughput that varies more than this says less than the processor's cost.
_NOISE = 0.10


def thresholds():
    return json.loads(_THRESHOLDS.read_text())


def show(result, wanted):
    """Prints a case. Returns false when a threshold is missed."""
    per, factor, unit = ("request", 1e6, "µs") if result.case.unit == "requests" else ("GiB", 1, "s")
    print(f"\n{result.case.title}")
    print(f"  {'':26}{'nginx':>10}{'gateway':>10}{'ratio':>8}")
    _row(f"{result.case.unit}/s", *_medians(result, "rate"), statistics.median(result.rates()))
    _row(f"CPU {unit}/{per}", *(v * factor for v in _medians(result, "cost")), statistics.median(result.costs()))
    _row("peak RSS, MiB", *(max(run.peak_mib for run in side) for side in (result.nginx, result.gateway)))
    print(f"  each pair's ratio: {' '.join(f'{ratio:.2f}' for ratio in result.rates())};"
          f" throughput varies by {result.spread():.0%}")
    return all([_judge(*line) for line in _lines(result, wanted)])


def _lines(result, wanted):
    """What is judged: text, value, bound, and whether the value may be larger."""
    if "ratio" in wanted:
        ratios, text = result.rates(), "throughput"
        if result.case.judges_cost and result.spread() > _NOISE:
            ratios, text = result.costs(), "CPU, for throughput varies too much"
        yield f"ratio to nginx ({text})", statistics.median(ratios), wanted["ratio"], True
    if "peak_mib" in wanted:
        yield "peak RSS, MiB", max(run.peak_mib for run in result.gateway), wanted["peak_mib"], False


def _judge(text, value, bound, larger_is_better):
    holds = value >= bound if larger_is_better else value <= bound
    sign = "≥" if larger_is_better else "≤"
    print(f"  {'pass' if holds else 'FAIL'}  {text}: {value:.2f} {sign} {bound}")
    return holds


def _medians(result, name):
    return (statistics.median(getattr(run, name) for run in side) for side in (result.nginx, result.gateway))


def _row(title, theirs, ours, ratio=None):
    text = "" if ratio is None else f"{ratio:8.2f}"
    print(f"  {title:26}{_number(theirs):>10}{_number(ours):>10}{text}")


def _number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"
