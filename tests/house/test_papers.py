"""What the documents say can be done: their commands exist, and the repository names no place of its makers."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
KINDS = {"added", "changed", "fixed", "removed", "security"}


def commands(paper: Path) -> Iterator[list[str]]:
    """The words of each `./run …` and `samklang …` line in the code blocks of a paper."""
    for block in re.findall(r"^```(?:sh|console)?\n(.*?)^```", paper.read_text(), re.M | re.S):
        for line in block.splitlines():
            line = line.removeprefix("$ ")
            if line.startswith(("./run", "samklang ")):
                yield shlex.split(line, comments=True)


def run_verbs() -> set[str]:
    verbs = re.findall(r"^([a-z| ]+)\)$", (ROOT / "run").read_text(), re.M)
    return {verb for line in verbs for verb in line.split(" | ")}


def complaint(words: list[str]) -> str | None:
    """What is wrong with a command line, or None."""
    if words[0] == "./run":
        verb = words[1] if len(words) > 1 else "help"
        if verb not in run_verbs():
            return f"./run knows no {verb}"
        if verb not in ("samklang", "demo", "serve"):
            return None
        words = words[1:] if verb == "samklang" else ["samklang", *words[1:]]
    return unknown_to_samklang(words[1:])


def unknown_to_samklang(words: list[str]) -> str | None:
    from samklang.cli import parser

    place = parser()
    if words[:1] == ["sandbox"]:
        return None  # has a parser of its own
    for word in words:
        if word.startswith("--"):
            if word.partition("=")[0] not in place._option_string_actions:
                return f"'{place.prog}' knows no {word}"
            continue
        deeper = next((a for a in place._actions if isinstance(a, argparse._SubParsersAction)), None)
        if deeper is not None:
            if word not in deeper.choices:
                return f"'{place.prog}' knows no {word}"
            place = deeper.choices[word]
    return None


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_command_in_the_documents_exists(paper: Path) -> None:
    assert [found for words in commands(paper) if (found := complaint(words))] == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert complaint(["./run", "fly"]) == "./run knows no fly"
    assert complaint(["samklang", "user", "fly"]) == "'samklang user' knows no fly"
    assert complaint(["./run", "samklang", "user", "add", "--wings"]) == "'samklang user add' knows no --wings"
    assert complaint(["samklang", "user", "add", "--email", "x@example.org"]) is None


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_link_to_a_file_leads_somewhere(paper: Path) -> None:
    targets = [t for t in re.findall(r"\]\(([^)#\s]+)", paper.read_text()) if "://" not in t]
    assert [target for target in targets if not (paper.parent / target).exists()] == []


def test_changelog_fragments_are_named_by_kind_and_speak_in_sentences() -> None:
    for path in (ROOT / "changelog").iterdir():
        if path.name == "README.md":
            continue
        assert re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md", path.name), path.name
        text = path.read_text()
        assert text.strip().endswith("."), path.name
        assert text[0].isupper(), path.name


def test_nothing_committed_names_a_place_of_its_makers() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    places = re.compile(r"/wor[k]/|/tm[p]/|/roo[t]/|pypi[.]org|npmjs[.]org|files[.]pythonhosted")
    found = []
    for name in filter(None, listed.split("\0")):
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        found += [f"{name}: {match[0]}" for match in places.finditer(text)]
    assert found == []
