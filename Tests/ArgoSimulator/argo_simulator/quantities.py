"""Kubernetes' quantities (`100m`, `256Mi`) and Go's durations (`1h30m`, `600s`), as manifests carry them."""

from __future__ import annotations

import re

_FACTORS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
            "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
_UNITS = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}


def quantity(text: str | int | float) -> float:
    """Bytes or cores; ValueError for text that is no quantity."""
    match = re.fullmatch(r"([0-9.]+(?:e[0-9]+)?)([A-Za-z]*)", str(text))
    if not match or match[2] not in _FACTORS:
        raise ValueError(f"quantities must match the regular expression of Kubernetes, not {text!r}")
    return float(match[1]) * _FACTORS[match[2]]


def duration(text: str | int) -> float:
    """Seconds. Argo takes a bare number as seconds."""
    if re.fullmatch(r"\d+", str(text)):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h|d))+", str(text)):
        raise ValueError(f"unable to parse {text!r} as a duration")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h|d)", str(text)))
