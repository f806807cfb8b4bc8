"""Server versions: what each server calls itself, which RequestServerVersion it takes, and which schema that
is.

EWS facts §2.1. A request version is ordered by its place in `ORDER`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from samklang.sandbox.ews.soap import NAMESPACES, SoapFault, T

ORDER = (
    *("Exchange2007", "Exchange2007_SP1", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2"),
    *("Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016"),
    *("V2015_10_05", "V2016_01_06", "V2016_04_13", "V2016_07_13", "V2016_10_10"),
    *("V2017_01_07", "V2017_04_14", "V2017_07_11"),
)
V2007, V2010, V2010_SP1, V2010_SP2 = 0, 2, 3, 4
V2013, V2013_SP1, V2016 = 5, 6, 8
_SCHEMAS = (
    (V2010, "2007sp1"),
    (V2010_SP2, "2010sp1"),
    (V2013, "2010sp2"),
    (V2016 - 1, "2013sp1"),
    (len(ORDER), "se-15.2.2562.17"),
)


@dataclass(frozen=True)
class ServerBuild:
    """`newest` is the last RequestServerVersion it takes, `reports` what its header's Version says."""

    major: int
    minor: int
    build: int
    revision: int
    reports: str
    newest: str

    def header(self) -> etree._Element:
        info = etree.Element(f"{T}ServerVersionInfo", nsmap={"t": NAMESPACES["t"]})
        info.set("MajorVersion", str(self.major))
        info.set("MinorVersion", str(self.minor))
        info.set("MajorBuildNumber", str(self.build))
        info.set("MinorBuildNumber", str(self.revision))
        info.set("Version", self.reports)
        return info


SERVERS = {
    "2007_sp1": ServerBuild(8, 1, 436, 0, "Exchange2007_SP1", "Exchange2007_SP1"),
    "2007_sp2": ServerBuild(8, 2, 176, 2, "Exchange2007_SP1", "Exchange2007_SP1"),
    "2007_sp3": ServerBuild(8, 3, 83, 6, "Exchange2007_SP1", "Exchange2007_SP1"),
    "2010": ServerBuild(14, 0, 639, 11, "Exchange2010", "Exchange2010"),
    "2010_sp1": ServerBuild(14, 1, 438, 0, "Exchange2010_SP1", "Exchange2010_SP1"),
    "2010_sp2": ServerBuild(14, 2, 247, 5, "Exchange2010_SP2", "Exchange2010_SP2"),
    "2010_sp3": ServerBuild(14, 3, 513, 0, "Exchange2010_SP2", "Exchange2010_SP2"),
    "2013": ServerBuild(15, 0, 516, 32, "Exchange2013", "Exchange2013"),
    "2013_sp1": ServerBuild(15, 0, 1156, 6, "V2_23", "Exchange2013_SP1"),
    "2016": ServerBuild(15, 1, 2507, 6, "V2017_07_11", "V2017_07_11"),
    "2019": ServerBuild(15, 2, 1544, 4, "V2017_07_11", "V2017_07_11"),
    "se": ServerBuild(15, 2, 2562, 17, "V2017_07_11", "V2017_07_11"),
}


def requested(server: ServerBuild, value: str | None) -> int:
    """The rank of the version a request claims; without a header the oldest schema. Raises SoapFault."""
    if value is None:
        return V2007
    if value not in ORDER:
        raise SoapFault("ErrorInvalidRequest", "The request is invalid.")
    if ORDER.index(value) > ORDER.index(server.newest):
        # A V… value is in the enumeration of the servers that know it and in no other's.
        if value.startswith("V"):
            raise SoapFault("ErrorInvalidRequest", "The request is invalid.")
        raise SoapFault("ErrorInvalidServerVersion", "The specified server version is invalid.")
    return ORDER.index(value)


def schema_of(rank: int) -> str:
    """The folder of the schema set a request version stands for."""
    return next(name for end, name in _SCHEMAS if rank < end)
