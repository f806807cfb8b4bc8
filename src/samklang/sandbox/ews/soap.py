"""Envelopes, faults and response messages (EWS facts §2.1, §2.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

S = "{http://schemas.xmlsoap.org/soap/envelope/}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
E = "{http://schemas.microsoft.com/exchange/services/2006/errors}"
NAMESPACES = {"s": S[1:-1], "t": T[1:-1], "m": M[1:-1]}

_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
)


class SoapFault(Exception):
    """The whole request failed. `values` become MessageXml, e.g. {"BackOffMilliseconds": "5000"}. `ordered`: by a test,
    which may say what no server would."""

    def __init__(
        self,
        code: str,
        message: str,
        values: Mapping[str, str] | None = None,
        status: int = 500,
        *,
        ordered: bool = False,
    ) -> None:
        super().__init__(message)
        self.code, self.values, self.status, self.ordered = code, values or {}, status, ordered


class ItemError(Exception):
    """One item of a request failed; the others go on. Answered inside HTTP 200."""

    def __init__(self, code: str, message: str = "", values: Mapping[str, str] | None = None) -> None:
        super().__init__(message or MESSAGES.get(code, code))
        self.code, self.values = code, values or {}


NOT_FOUND = "ErrorItemNotFound"
MESSAGES = {
    NOT_FOUND: "The specified object was not found in the store.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorMissingEmailAddress": "When making a request as an account that does not have a mailbox, you must specify the"
    " mailbox primary SMTP address for any distinguished folder Ids.",
    "ErrorIrresolvableConflict": "The send or update operation could not be performed because the change key passed in"
    " the request does not match the current change key for the item.",
    "ErrorChangeKeyRequiredForWriteOperations": "A change key is required for this operation.",
    "ErrorInvalidChangeKey": "The change key is invalid.",
    "ErrorInvalidSyncStateData": "Synchronization state data is corrupt or otherwise invalid.",
    "ErrorInvalidPropertyForOperation": "The property can not be used with this type of request.",
    "ErrorInvalidPropertySet": "Set action is invalid for property.",
    "ErrorInvalidPropertyDelete": "Delete action is not supported for this property.",
    "ErrorUpdatePropertyMismatch": "The property specified for the update does not match the property in the object.",
    "ErrorSendMeetingInvitationsRequired": "The SendMeetingInvitations attribute is required for calendar items.",
    "ErrorSendMeetingInvitationsOrCancellationsRequired": "SendMeetingInvitationsOrCancellations attribute is required"
    " for calendar items.",
    "ErrorSendMeetingCancellationsRequired": "SendMeetingCancellations attribute is required for calendar items.",
    "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange": "Occurrence index is out of recurrence range.",
    "ErrorCalendarOccurrenceIsDeletedFromRecurrence": "Occurrence with this index was previously deleted from the"
    " recurrence.",
    "ErrorCalendarCannotUseIdForOccurrenceId": "The Id does not reference a recurring master.",
    "ErrorCalendarCannotUseIdForRecurringMasterId": "The Id does not reference an occurrence.",
    "ErrorCalendarCannotMoveOrCopyOccurrence": "Occurrences cannot be moved or copied.",
    "ErrorCalendarViewRangeTooBig": "The specified view range exceeds the maximum range of two years.",
    "ErrorCalendarFolderIsInvalidForCalendarView": "The folder is not a calendar folder.",
    "ErrorUnsupportedPathForQuery": "The property is not supported for this type of query.",
    "ErrorServerBusy": "The server cannot service this request right now. Try again later.",
    "ErrorAccountDisabled": "The account was disabled.",
}


@dataclass
class Request:
    """What came in: the header's children by local name, and the one element of the body."""

    operation: str
    body: etree._Element
    header: dict[str, etree._Element] = field(default_factory=dict)


def parse(raw: bytes) -> Request:
    """Raises SoapFault for what is no SOAP envelope with one operation."""
    try:
        envelope = etree.fromstring(raw, _PARSER)
    except etree.XMLSyntaxError as error:
        raise SoapFault("ErrorSchemaValidation", f"The request failed schema validation: {error.msg}") from error
    body = envelope.find(f"{S}Body")
    if envelope.tag != f"{S}Envelope" or body is None or len(body) != 1:
        raise SoapFault("ErrorInvalidRequest", "The request is invalid.")
    operation = etree.QName(body[0])
    if operation.namespace != M[1:-1]:
        raise SoapFault("ErrorInvalidRequest", "The request is invalid.")
    header = envelope.find(f"{S}Header")
    children = {etree.QName(child).localname: child for child in header} if header is not None else {}
    return Request(operation.localname, body[0], children)


def told(request: Request) -> dict[str, str]:
    """The header's version and zone, by the names of their elements."""
    version, zone = request.header.get("RequestServerVersion"), request.header.get("TimeZoneContext")
    found = {
        "RequestServerVersion": None if version is None else version.get("Version"),
        "TimeZoneContext": None if zone is None or not len(zone) else zone[0].get("Id"),
    }
    return {name: value for name, value in found.items() if value}


def envelope(answer: etree._Element, server_version_info: etree._Element) -> bytes:
    whole = etree.Element(f"{S}Envelope", nsmap={"s": NAMESPACES["s"]})
    etree.SubElement(whole, f"{S}Header").append(server_version_info)
    etree.SubElement(whole, f"{S}Body").append(answer)
    return bytes(etree.tostring(whole, encoding="utf-8", xml_declaration=True))


def fault(error: SoapFault, message: str = "", language: str = "en-US") -> bytes:
    """A fault carries no ServerVersionInfo (EWS facts §2.1); its MessageXml is in the types namespace
    (§2.2). `message` in `language` stands in the place of its own text."""
    message = message or str(error)
    whole = etree.Element(f"{S}Envelope", nsmap={"s": NAMESPACES["s"]})
    inside = etree.SubElement(etree.SubElement(whole, f"{S}Body"), f"{S}Fault")
    code = etree.SubElement(inside, "faultcode", nsmap={"a": NAMESPACES["t"]})
    code.text = f"a:{error.code}"
    text = etree.SubElement(inside, "faultstring")
    text.set("{http://www.w3.org/XML/1998/namespace}lang", language)
    text.text = message
    detail = etree.SubElement(inside, "detail")
    etree.SubElement(detail, f"{E}ResponseCode", nsmap={"e": E[1:-1]}).text = error.code
    etree.SubElement(detail, f"{E}Message", nsmap={"e": E[1:-1]}).text = message
    if error.values:
        _message_xml(detail, f"{T}MessageXml", error.values)
    return bytes(etree.tostring(whole, encoding="utf-8", xml_declaration=True))


def _message_xml(parent: etree._Element, tag: str, values: Mapping[str, str]) -> None:
    message_xml = etree.SubElement(parent, tag, nsmap={"t": NAMESPACES["t"]})
    for name, value in values.items():
        etree.SubElement(message_xml, f"{T}Value", Name=name).text = value


def response(operation: str) -> tuple[etree._Element, etree._Element]:
    """(the answer's element, its ResponseMessages)."""
    answer = etree.Element(f"{M}{operation}Response", nsmap={"m": NAMESPACES["m"], "t": NAMESPACES["t"]})
    return answer, etree.SubElement(answer, f"{M}ResponseMessages")


def success(parent: etree._Element, operation: str) -> etree._Element:
    message = etree.SubElement(parent, f"{M}{operation}ResponseMessage", ResponseClass="Success")
    etree.SubElement(message, f"{M}ResponseCode").text = "NoError"
    return message


def failure(parent: etree._Element, operation: str, error: ItemError) -> etree._Element:
    message = etree.SubElement(parent, f"{M}{operation}ResponseMessage", ResponseClass="Error")
    etree.SubElement(message, f"{M}MessageText").text = str(error)
    etree.SubElement(message, f"{M}ResponseCode").text = error.code
    etree.SubElement(message, f"{M}DescriptiveLinkKey").text = "0"
    if error.values:
        _message_xml(message, f"{M}MessageXml", error.values)
    return message


def children(element: etree._Element | None) -> Iterator[tuple[str, etree._Element]]:
    """(local name, child) of an element's children; nothing for None."""
    for child in element if element is not None else ():
        yield etree.QName(child).localname, child


def children_of(element: etree._Element | None) -> list[etree._Element]:
    """An element's children; none for None."""
    return [] if element is None else list(element)


def need(parent: etree._Element, name: str) -> etree._Element:
    """A child the schema demands; without schemas at hand nobody else has looked. Raises SoapFault."""
    found = parent.find(name)
    if found is None:
        missing = etree.QName(name).localname
        raise SoapFault("ErrorSchemaValidation", f"The request failed schema validation: {missing} is missing.")
    return found


def first(parent: etree._Element, name: str) -> etree._Element:
    """The one child of a child the schema demands. Raises SoapFault."""
    found = need(parent, name)
    if not len(found):
        raise SoapFault("ErrorSchemaValidation", f"The request failed schema validation: {name} is empty.")
    return found[0]


def text_of(element: etree._Element | None, path: str, default: str = "") -> str:
    """The text under a path of local names in the types namespace, e.g. "Mailbox/EmailAddress"."""
    if element is None:
        return default
    found = element.find("/".join(T + name for name in path.split("/")))
    return default if found is None or found.text is None else found.text
