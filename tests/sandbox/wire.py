"""Hand-written EWS requests: what no client sends on purpose, and what every client leaves out of sight."""

from __future__ import annotations

from typing import Any

import requests
from lxml import etree

from tests.sandbox.oracles import ALICE, PASSWORD, USER
from tests.sandbox_client import Sandbox

S = "http://schemas.xmlsoap.org/soap/envelope/"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
NAMES = {"s": S, "t": T, "m": M, "e": ERRORS}
CALENDAR = '<t:DistinguishedFolderId Id="calendar"/>'
IDS_ONLY = "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
EVERYTHING = "<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"


class Answer:
    """An HTTP answer with XPath over its envelope; prefixes s, t, m, e."""

    def __init__(self, response: requests.Response) -> None:
        self.http, self.status = response, response.status_code
        self.xml = etree.fromstring(response.content) if "xml" in response.headers.get("Content-Type", "") else None

    def all(self, path: str) -> list[Any]:
        assert self.xml is not None, self.http.text[:300]
        return list(self.xml.xpath(path, namespaces=NAMES))

    def text(self, path: str) -> str | None:
        found = self.all(path)
        return None if not found else found[0] if isinstance(found[0], str) else found[0].text

    @property
    def codes(self) -> list[str]:
        """The response codes: of the fault, or of each response message."""
        return [element.text for element in self.all("//m:ResponseCode | //e:ResponseCode")]

    @property
    def ids(self) -> list[tuple[str, str]]:
        return [(element.get("Id"), element.get("ChangeKey")) for element in self.all("//t:ItemId")]


class Wire:
    """Alice's mailbox through the delegate account, in one HTTP session."""

    def __init__(self, sandbox: Sandbox, version: str | None = "Exchange2013_SP1") -> None:
        self.sandbox, self.version = sandbox, version
        self.session = requests.Session()
        self.session.trust_env, self.session.verify = False, sandbox.ca_file
        self.session.auth = (USER, PASSWORD)

    def send(self, body: str, header: str = "", *, address: str | None = ALICE, **details: Any) -> Answer:
        version = f'<t:RequestServerVersion Version="{self.version}"/>' if self.version else ""
        who = f"<t:PrimarySmtpAddress>{address}</t:PrimarySmtpAddress>"
        acting = f"<t:ExchangeImpersonation><t:ConnectingSID>{who}</t:ConnectingSID></t:ExchangeImpersonation>"
        text = (
            f'<s:Envelope xmlns:s="{S}" xmlns:t="{T}" xmlns:m="{M}"><s:Header>{version}{acting if address else ""}'
            f"{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        )
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        url = details.pop("url", self.sandbox.ews)
        return Answer(self.session.post(url, data=text.encode(), headers=headers, timeout=30, **details))

    def create(self, *items: str, header: str = "", send: str | None = "SendToNone") -> Answer:
        how = f' SendMeetingInvitations="{send}"' if send else ""
        inside = "".join(f"<t:CalendarItem>{item}</t:CalendarItem>" for item in items)
        return self.send(f"<m:CreateItem{how}><m:Items>{inside}</m:Items></m:CreateItem>", header)

    def get(self, *ids: str, shape: str = EVERYTHING, header: str = "") -> Answer:
        inside = "".join(f'<t:ItemId Id="{id}"/>' for id in ids)
        return self.send(f"<m:GetItem>{shape}<m:ItemIds>{inside}</m:ItemIds></m:GetItem>", header)

    def update(self, id: str, change_key: str | None, *sets: tuple[str, str], how: str = "NeverOverwrite") -> Answer:
        """`sets`: (field URI, element) each."""
        key = f' ChangeKey="{change_key}"' if change_key else ""
        updates = "".join(
            f'<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:CalendarItem>{element}</t:CalendarItem></t:SetItemField>'
            for uri, element in sets
        )
        return self.send(
            f'<m:UpdateItem ConflictResolution="{how}" SendMeetingInvitationsOrCancellations="SendToNone">'
            f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{id}"{key}/><t:Updates>{updates}</t:Updates></t:ItemChange>'
            "</m:ItemChanges></m:UpdateItem>"
        )

    def delete(self, id: str, how: str = "HardDelete") -> Answer:
        return self.send(
            f'<m:DeleteItem DeleteType="{how}" SendMeetingCancellations="SendToNone">'
            f'<m:ItemIds><t:ItemId Id="{id}"/></m:ItemIds></m:DeleteItem>'
        )

    def sync(self, state: str | None = None, page: int = 512, shape: str = IDS_ONLY, folder: str = CALENDAR) -> Answer:
        known = f"<m:SyncState>{state}</m:SyncState>" if state else ""
        return self.send(
            f"<m:SyncFolderItems>{shape}<m:SyncFolderId>{folder}</m:SyncFolderId>{known}"
            f"<m:MaxChangesReturned>{page}</m:MaxChangesReturned></m:SyncFolderItems>"
        )
