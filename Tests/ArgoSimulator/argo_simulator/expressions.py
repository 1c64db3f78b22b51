"""The part of Argo's expression language that retry strategies use.

`lastRetry.status == "Error" || lastRetry.message matches "deleted|preempt"`: paths, strings, numbers, `==`, `!=`,
`<`, `>`, `matches`, `contains`, `in`, `!`, `&&`, `||`, parentheses and `asInt(…)`. Anything else is an error, as a
misspelt expression is in Argo.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][\w.]*)|(?P<sign>==|!=|<=|>=|&&|\|\||[<>!(),\[\]]))""", re.VERBOSE)

_COMPARE = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
    "matches": lambda a, b: re.search(b, a) is not None, "contains": lambda a, b: b in a, "in": lambda a, b: a in b,
}


class ExpressionError(ValueError):
    """The expression can't be evaluated; the workflow ends as Error."""


def evaluate(text: str, scope: Mapping[str, Any]) -> bool:
    """The truth of an expression; `scope` maps whole paths (`lastRetry.status`) to values."""
    parser = _Parser(_tokens(text), scope)
    value = parser.disjunction()
    if parser.tokens:
        raise ExpressionError(f"unexpected {parser.tokens[0][1]!r} in {text!r}")
    if not isinstance(value, bool):
        raise ExpressionError(f"{text!r} is not a boolean expression")
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            raise ExpressionError(f"unable to read {text[at:]!r}")
        kind = match.lastgroup or ""
        tokens.append((kind, match[kind]))
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens that are left; every rule returns the value of what it read."""

    def __init__(self, tokens: list[tuple[str, str]], scope: Mapping[str, Any]) -> None:
        self.tokens = tokens
        self.scope = scope

    def disjunction(self) -> Any:
        value = self.conjunction()
        while self.accept("||", "or"):
            other = self.conjunction()
            value = value or other
        return value

    def conjunction(self) -> Any:
        value = self.comparison()
        while self.accept("&&", "and"):
            other = self.comparison()
            value = value and other
        return value

    def comparison(self) -> Any:
        value = self.operand()
        sign = self.accept(*_COMPARE)
        if not sign:
            return value
        other = self.operand()
        try:
            return _COMPARE[sign](value, other)
        except (TypeError, re.error) as error:
            raise ExpressionError(str(error)) from None

    def operand(self) -> Any:
        if self.accept("!", "not"):
            return not self.operand()
        if self.accept("("):
            value = self.disjunction()
            self.expect(")")
            return value
        if self.accept("["):
            return self.items()
        return self.literal()

    def items(self) -> list[Any]:
        values = []
        while not self.accept("]"):
            values.append(self.operand())
            self.accept(",")
        return values

    def literal(self) -> Any:
        if not self.tokens:
            raise ExpressionError("unexpected end of the expression")
        kind, text = self.tokens.pop(0)
        if kind == "string":
            # The escapes of Go strings that patterns use are those of Python.
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number":
            return float(text)
        if text in ("true", "false"):
            return text == "true"
        if text in ("asInt", "asFloat"):
            self.expect("(")
            value = float(self.operand())
            self.expect(")")
            return value
        if kind == "word" and text in self.scope:
            return self.scope[text]
        raise ExpressionError(f"unknown name {text!r}")

    def accept(self, *texts: str) -> str:
        if self.tokens and self.tokens[0][0] != "string" and self.tokens[0][1] in texts:
            return self.tokens.pop(0)[1]
        return ""

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise ExpressionError(f"{text!r} expected")
