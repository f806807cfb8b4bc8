"""Every code that can reach a person has words: what is wrong, and what to do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import samklang
from samklang.mailboxes import messages
from samklang.sync import errors

SOURCE = Path(samklang.__file__).parent
#: Where codes come from that end up on pages: set-aside entries, paused connections, failed tests, refused switches.
PLACES = ("connectors", "sync", "engine", "activities", "mailboxes", "wiring.py", "web/settings", "web/profile")
_ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)} | {"Refused", "NotAllowed"}
#: Calls that name a code elsewhere than first.
_PLACES = {"put_aside": 1, "SetAside": 2, "Meaning": 1, "each": 1}
#: Tables from a protocol's codes to ours.
_TABLES = {"REFUSALS", "WORDS"}
#: What a run does about, rather than shows: it reads again, lists anew, goes on.
_FOR_THE_RUN = {"error"}
#: Shown by its own message, on the form or in the API's answer, never by its code.
_SPOKEN_FOR = {"type_name_missing", "type_name_taken", "type_in_use", "type_other_category", "not_taking_part"}
_SPOKEN_FOR |= {"organizer_only", "owner_only", "series_only"}


def _raised(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = _PLACES.get(name, 0)
            if (name in _ERRORS or name in _PLACES) and len(node.args) > place:
                yield from _text(node.args[place])
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(getattr(target, "id", "") in _TABLES for target in targets):
                for value in node.value.values:
                    yield from _text(value)


def _text(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
            yield part.value


def _files(*places: str) -> Iterator[Path]:
    for place in places:
        found = [SOURCE / place] if place.endswith(".py") else (SOURCE / place).rglob("*.py")
        yield from (file for file in found if "memory" not in file.parts and file.name != "messages.py")


def _codes() -> set[str]:
    files = [
        f for place in PLACES for f in ([SOURCE / place] if place.endswith(".py") else (SOURCE / place).rglob("*.py"))
    ]
    found = {code for file in files if "memory" not in file.parts for code in _raised(ast.parse(file.read_text()))}
    return found | {value.code for value in vars(errors).values() if isinstance(value, type) and hasattr(value, "code")}


def test_every_code_that_is_raised_has_words() -> None:
    wordless = {code for code in _codes() if code.islower()} - messages.codes() - _FOR_THE_RUN - _SPOKEN_FOR
    assert sorted(wordless) == []


def test_no_words_are_kept_for_codes_nobody_raises() -> None:
    outside = {"switched_off", "stopped", "internal"}  # of the run's row, not of an error
    text = "\n".join(file.read_text() for file in _files(*PLACES, "web"))
    assert {code for code in messages.codes() - outside if f'"{code}"' not in text} == set()


def test_every_code_says_what_is_wrong_and_what_to_do() -> None:
    for code in messages.codes():
        explained = messages.explain(code)
        assert explained.sentence.endswith("."), code
        assert explained.remedy.endswith("."), code


def test_an_unknown_code_is_named_as_it_is() -> None:
    assert "brand_new" in messages.explain("brand_new").sentence
