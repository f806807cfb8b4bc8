"""Judges EWS requests by Microsoft's own schemas, where SAMKLANG_SCHEMAS (or ../shared/schemas) has them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from tests import ledger

FOLDER = Path(os.environ.get("SAMKLANG_SCHEMAS") or "../shared/schemas") / "ews"
#: The generations Exchange2013_SP1 is spoken to.
VERSIONS = ("2013sp1", "se-15.2.2562.17")
#: Every generation there is: what does not differ between them is valid for all.
ALL_VERSIONS = ("2007sp1", "2010sp1", "2010sp2", *VERSIONS)


#: The schema of each RequestServerVersion we send (EWS facts §2.1).
CLAIMED = {
    "Exchange2007_SP1": "2007sp1",
    "Exchange2010": "2010sp1",
    "Exchange2010_SP1": "2010sp1",
    "Exchange2010_SP2": "2010sp2",
    "Exchange2013": "2013sp1",
    "Exchange2013_SP1": "2013sp1",
}
_T = "{http://schemas.microsoft.com/exchange/services/2006/types}"


@cache
def _schema(version: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(FOLDER / version / "messages.xsd"))


def response_codes() -> set[str]:
    """The codes any generation may answer with."""
    _skip_without(ALL_VERSIONS[-1])
    kind = "{*}simpleType[@name='ResponseCodeType']//{*}enumeration"
    trees = (etree.parse(FOLDER / version / "messages.xsd") for version in ALL_VERSIONS)
    return {code.get("value", "") for tree in trees for code in tree.iterfind(f".//{kind}")}


def assert_valid(element: etree._Element, version: str) -> None:
    """The element, as the server would read it, is what the version's schema allows."""
    _skip_without(version)
    schema = _schema(version)
    sent = etree.fromstring(etree.tostring(element))
    assert schema.validate(sent), schema.error_log.last_error


def _skip_without(version: str) -> None:
    if not (FOLDER / version).is_dir():
        pytest.skip("the EWS schemas are not here: set SAMKLANG_SCHEMAS to the folder that has them")


def hold_to_its_schema(request: bytes) -> None:
    """A whole request of our client's is what the version it claims allows; it counts with those the sandbox saw."""
    root = etree.fromstring(request)
    header, body = root[0], root[1][0]
    version = header.find(f"{_T}RequestServerVersion").get("Version")
    if not (FOLDER / CLAIMED[version]).is_dir():
        return  # nothing to hold it to: `tests.ledger` says so
    schema = _schema(CLAIMED[version])
    bad = [str(schema.error_log.last_error) for part in (*header[1:], body) if not schema.validate(part)]
    ledger.note("ews", version, etree.QName(body).localname, bad[0] if bad else "")
    assert not bad
