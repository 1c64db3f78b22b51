"""Kubernetes' label selectors: `a=b, a==b, a!=b, a in (b,c), a notin (b,c), a, !a`, joined by commas that mean "and"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Labels = Mapping[str, str]
Requirement = Callable[[Labels], bool]

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")


class SelectorError(ValueError):
    """The selector breaks the grammar; a real API server answers 400."""


def parse(text: str) -> Requirement:
    """The selector as a predicate over labels; the empty selector takes everything."""
    requirements = [_requirement(part.strip()) for part in _parts(text)] if text.strip() else []
    return lambda labels: all(fits(labels) for fits in requirements)


def _parts(text: str) -> list[str]:
    """Splits at the commas outside of parentheses."""
    return re.split(r",(?![^()]*\))", text)


def _requirement(part: str) -> Requirement:
    if match := _SET.fullmatch(part):
        key, operator, values = match[1], match[2], {value.strip() for value in match[3].split(",")}
        if operator == "in":
            return lambda labels: labels.get(key) in values
        # As in Kubernetes, notin and != also take objects without the label.
        return lambda labels: labels.get(key) not in values
    if match := _EQUAL.fullmatch(part):
        key, operator, value = match.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := _EXISTS.fullmatch(part):
        wanted, key = not match[1], match[2]
        return lambda labels: (key in labels) == wanted
    raise SelectorError(f"unable to parse requirement: {part!r}")
