"""Texts of faults in a server's own language (EWS facts §2.2): a client that looks at texts fails here, codes stay.

The words are ours; what Exchange says in these languages has no source.
"""

from __future__ import annotations

from lxml import etree

from samklang.sandbox.ews.soap import M

_TEXTS = {
    "sv-SE": {
        "ErrorItemNotFound": "Det gick inte att hitta det angivna objektet i arkivet.",
        "ErrorServerBusy": "Servern kan inte hantera begäran just nu. Försök igen senare.",
        "ErrorImpersonateUserDenied": "Kontot har inte behörighet att personifiera den begärda användaren.",
        "ErrorIrresolvableConflict": "Ändringsnyckeln i begäran stämmer inte med objektets nuvarande ändringsnyckel.",
    },
    "de-DE": {
        "ErrorItemNotFound": "Das angegebene Objekt wurde im Informationsspeicher nicht gefunden.",
        "ErrorServerBusy": "Der Server kann diese Anforderung zurzeit nicht verarbeiten.",
        "ErrorImpersonateUserDenied": "Das Konto ist nicht berechtigt, die Identität des Benutzers anzunehmen.",
        "ErrorIrresolvableConflict": "Der Änderungsschlüssel stimmt nicht mit dem aktuellen des Elements überein.",
    },
}
_OTHER = {"sv-SE": "Begäran kunde inte utföras.", "de-DE": "Die Anforderung konnte nicht ausgeführt werden."}


def text(code: str, english: str, language: str) -> str:
    return _TEXTS[language].get(code, _OTHER[language]) if language in _TEXTS else english


def localize(answer: etree._Element, language: str) -> None:
    """The texts of an answer's response messages, in place."""
    for said in answer.iter(f"{M}MessageText"):
        parent = said.getparent()
        code = "" if parent is None else parent.findtext(f"{M}ResponseCode") or ""
        said.text = text(code, said.text or "", language)
