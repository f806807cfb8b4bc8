"""Swedish is complete, compiled and used: no word of the pages stands outside gettext. Needs no gettext programs."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client
from django.utils.translation.template import templatize

import samklang

SOURCE = Path(samklang.__file__).parent
PO = SOURCE / "web/locale/sv/LC_MESSAGES/django.po"
TEMPLATES = SOURCE / "web/templates"
#: Prose, written out in each language instead of sentence by sentence.
PROSE = TEMPLATES / "help"
_MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
#: Names, the same in every language.
_NAMES = {"Samklang", "Exchange"}


def _catalogue() -> dict[str, list[str]]:
    """msgid -> its translations, of the .po file."""
    found: dict[str, list[str]] = {}
    for block in PO.read_text(encoding="utf-8").split("\n\n"):
        assert "fuzzy" not in block.partition("msgid")[0], block
        parts = re.findall(r'^(msg\w+)(?:\[\d\])? ((?:"(?:[^"\\]|\\.)*"\n?)+)', block, re.MULTILINE)
        texts = [(name, "".join(ast.literal_eval(line) for line in value.splitlines())) for name, value in parts]
        (msgid,) = [text for name, text in texts if name == "msgid"]
        found[msgid] = [text for name, text in texts if name == "msgstr"]
    return found


def _in_python(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", getattr(node.func, "attr", "")) not in _MARKS:
            continue
        if node.args and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def _pages() -> list[Path]:
    return [page for page in TEMPLATES.rglob("*.html") if PROSE not in page.parents or page.parent == PROSE]


def _msgids() -> set[str]:
    modules = [file for file in SOURCE.rglob("*.py") if not {"sandbox", "cli"} & set(file.relative_to(SOURCE).parts)]
    found = {msgid for file in modules for msgid in _in_python(file.read_text(encoding="utf-8"))}
    for page in _pages():
        calls = re.findall(r"n?gettext\((u'(?:[^'\\]|\\.)*'|u\"(?:[^\"\\]|\\.)*\")", templatize(page.read_text()))
        found |= {ast.literal_eval(call) for call in calls}
    return found


def test_every_word_of_the_source_is_in_the_catalogue_and_no_other() -> None:
    there = set(_catalogue()) - {""}
    assert sorted(_msgids() - there) == []
    assert sorted(there - _msgids()) == []


def test_every_word_is_translated_with_the_same_places_for_values() -> None:
    for msgid, translations in _catalogue().items():
        for translated in translations:
            assert translated, msgid
            if msgid:
                assert sorted(re.findall(r"%\(\w+\)[sd]", translated)) == sorted(re.findall(r"%\(\w+\)[sd]", msgid))


def test_the_compiled_catalogue_says_what_the_text_says() -> None:
    with PO.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for msgid, translations in _catalogue().items():
        if msgid:
            here = (
                [compiled.gettext(msgid)]
                if len(translations) == 1
                else [compiled.ngettext(msgid, msgid, n) for n in (1, 2)]
            )
            assert here == translations, "compile the catalogue anew: msgfmt -o django.mo django.po"


class _Text(HTMLParser):
    """The text of a page a person would read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("aria-label", "title", "placeholder", "alt")]


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(TEMPLATES)))
def test_a_template_holds_no_word_outside_gettext(page: Path) -> None:
    text = re.sub(r"{%\s*blocktranslate.*?endblocktranslate\s*%}", "", page.read_text(), flags=re.DOTALL)
    reader = _Text()
    reader.feed(re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", " ", text, flags=re.DOTALL))
    words = {word for text in reader.found for word in re.findall(r"[^\W\d_]+", text)}
    assert words <= _NAMES


def test_no_view_or_form_says_anything_outside_gettext() -> None:
    spoken = {"success", "error", "warning", "info", "ValidationError", "HttpResponse", "HttpResponseBadRequest"}
    for file in [*(SOURCE / "web").rglob("*.py"), SOURCE / "mailboxes/messages.py"]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                literal = node.args[-1:] if name in spoken else []
                literal += [k.value for k in node.keywords if k.arg in ("label", "help_text")]
                assert not any(isinstance(value, ast.Constant) for value in literal), f"{file.name}:{node.lineno}"


def test_every_help_page_is_there_in_every_language() -> None:
    pages = {folder.name: {page.name for page in folder.iterdir()} for folder in PROSE.iterdir() if folder.is_dir()}
    assert pages == {language: {"user.html", "administrator.html"} for language in ("en", "sv")}


@pytest.mark.django_db
@pytest.mark.parametrize(("asked", "word"), [("sv-SE,sv;q=0.9", "Logga in"), ("en", "Sign in"), ("fi", "Sign in")])
def test_a_stranger_is_spoken_to_in_the_language_his_browser_asks_for(asked: str, word: str) -> None:
    page = Client(headers={"Accept-Language": asked}).get("/sign-in").content.decode()
    assert word in page
    assert f'lang="{"sv" if word == "Logga in" else "en"}"' in page


@pytest.mark.django_db
def test_a_user_reads_in_his_own_language_with_severas_words() -> None:
    from tests.web.house import as_person, furnish

    house = furnish()
    house.alice.language = "sv"
    house.alice.save()
    client = as_person(house.alice)
    settings = client.get(
        "/settings/integrations/microsoft-exchange", headers={"Accept-Language": "en"}
    ).content.decode()
    for words in (
        "Inställningar",
        "Integrationer",
        "Microsoft Exchange",
        "Aktivera Microsoft Exchange",
        "Aktivitetstyper",
    ):
        assert words in settings
    profile = unescape(client.get("/profile/calendar/synchronization").content.decode())
    for words in ("Min profil", "Kalender & aktiviteter", "Kalendersynkronisering"):
        assert words in profile
