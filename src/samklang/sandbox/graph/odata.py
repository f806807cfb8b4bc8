"""The part of OData's query options the service knows: $filter, $select, $expand, $orderby."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from samklang.sandbox.graph.call import GraphError, invalid
from samklang.sandbox.graph.times import stamp

T = TypeVar("T")
U = TypeVar("U")
Predicate = Callable[[Mapping[str, Any]], bool]
_Value = Callable[[Mapping[str, Any]], Any]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?)|(?P<number>-?\d+)"
    r"|(?P<name>[A-Za-z_@][\w.@]*(?:/[A-Za-z_@][\w.@]*)*)|(?P<mark>[(),:]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: a is not None and bool(a > b),
    "ge": lambda a, b: a is not None and bool(a >= b),
    "lt": lambda a, b: a is not None and bool(a < b),
    "le": lambda a, b: a is not None and bool(a <= b),
}
_TEXT = {"startswith": str.startswith, "endswith": str.endswith, "contains": str.__contains__}


def bad_filter(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidUrlQueryFilter", f"The query filter is not valid: {message}.")


def predicate(text: str) -> Predicate:
    """The test a $filter makes on a resource as JSON; texts are compared without case. Raises GraphError."""
    parser = _Parser(text)
    found = parser.either()
    if parser.next is not None:
        raise bad_filter(f"unexpected {parser.next[1]!r}")
    return found


class _Parser:
    """Recursive descent over `a eq 'b' and (c or not d) and e/any(x:x eq 'f')`."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise bad_filter(f"cannot be read from {text[position : position + 20]!r}")
            self._tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()
        self._tokens.reverse()

    @property
    def next(self) -> tuple[str, str] | None:
        return self._tokens[-1] if self._tokens else None

    def _take(self, *expected: str) -> str:
        if not self._tokens or (expected and self._tokens[-1][1].lower() not in expected):
            raise bad_filter(f"expected {' or '.join(expected) or 'more'}")
        return self._tokens.pop()[1]

    def _is(self, word: str) -> bool:
        return self.next is not None and self.next[1].lower() == word

    def either(self) -> Predicate:
        parts = [self._both()]
        while self._is("or"):
            self._take()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._single()]
        while self._is("and"):
            self._take()
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _single(self) -> Predicate:
        if self._is("not"):
            self._take()
            inner = self._single()
            return lambda row: not inner(row)
        if self._is("("):
            self._take()
            inner = self.either()
            self._take(")")
            return inner
        name = self._take()
        if name.lower() in _TEXT:
            return self._text_test(name.lower())
        if name.lower().endswith("/any"):
            return self._any(name[:-4])
        read, compare = _reader(name), _COMPARE.get(self._take().lower())
        if compare is None:
            raise bad_filter(f"unknown operator after {name}")
        wanted = self._value()
        return lambda row: compare(_folded(read(row)), wanted)

    def _text_test(self, function: str) -> Predicate:
        self._take("(")
        read = _reader(self._take())
        self._take(",")
        wanted = self._value()
        self._take(")")
        return lambda row: _TEXT[function](_folded(read(row)) or "", wanted)

    def _any(self, collection: str) -> Predicate:
        self._take("(")
        variable = self._take()
        self._take(":")
        inner = self.either()
        self._take(")")
        read = _reader(collection)
        return lambda row: any(inner({variable: member}) for member in read(row) or [])

    def _value(self) -> Any:
        if not self._tokens:
            raise bad_filter("a value is missing")
        kind, text = self._tokens.pop()
        if kind == "text":
            return text[1:-1].replace("''", "'").casefold()
        if kind == "number":
            return int(text)
        if kind == "time":
            moment = datetime.fromisoformat(text)
            return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).casefold()
        if text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text]
        raise bad_filter(f"{text!r} is no value")


def _reader(path: str) -> _Value:
    steps = path.split("/")

    def read(row: Mapping[str, Any]) -> Any:
        found: Any = row
        for step in steps:
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    return read


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def quoted(filter: str) -> list[str]:
    """The texts of `id eq 'a' or ep/id eq 'b'`."""
    return [text.replace("''", "'") for text in re.findall(r"\bid eq '((?:[^']|'')*)'", filter)]


def names(option: str | None) -> list[str] | None:
    """The properties of a $select; None: all."""
    return None if not option or option == "*" else [name.strip() for name in option.split(",") if name.strip()]


def expansions(option: str | None) -> dict[str, dict[str, str]]:
    """`a($filter=…;$select=…),b` as {"a": {"filter": …, "select": …}, "b": {}}."""
    found: dict[str, dict[str, str]] = {}
    for part in _split(option or "", ","):
        name, _, inner = part.partition("(")
        options = _split(inner.rstrip()[:-1], ";") if inner else []
        pairs = (one.strip().partition("=") for one in options)
        found[name.strip()] = {key.lstrip("$").lower(): value for key, _, value in pairs}
    return found


def _split(text: str, mark: str) -> list[str]:
    """Splits at marks outside parentheses and quotes."""
    parts, depth, quoted = [""], 0, False
    for character in text:
        quoted ^= character == "'"
        depth += (character == "(") - (character == ")") if not quoted else 0
        if character == mark and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]


def ordered(rows: Iterable[tuple[dict[str, Any], T, U]], option: str | None) -> list[tuple[dict[str, Any], T, U]]:
    """Rows, each led by its resource, in the order of an $orderby (several properties, asc or desc)."""
    found = list(rows)
    for part in reversed([p.split() for p in (option or "").split(",") if p.strip()]):
        read, descending = _reader(part[0]), len(part) > 1 and part[1].lower() == "desc"
        found.sort(key=lambda row: str(_folded(read(row[0])) or ""), reverse=descending)
    return found


def whole_number(query: Mapping[str, str], name: str, *, most: int, default: int) -> int:
    """$top or $skip. Raises GraphError for one that is none, or too large."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) > most or (name == "$top" and int(text) == 0):
        raise invalid(f"The value of {name} must be a whole number up to {most}.", "ErrorInvalidUrlQuery")
    return int(text)
