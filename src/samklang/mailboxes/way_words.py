"""Words for the way to an Exchange Server: its proxy, and looking its address up (Autodiscover). Part of the table of
`mailboxes.messages`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, gettext_noop

WORDS = {
    "proxy_address": (
        gettext_noop("This is no proxy's address."),
        gettext_noop("Give it like http://proxy.domain.net:3128, without user name and path."),
    ),
    "proxy_unreachable": (
        gettext_noop("The proxy cannot be reached."),
        gettext_noop("Check the proxy's address and port in the settings, and that it lets this machine in."),
    ),
    "proxy_not_allowed": (
        gettext_noop("The proxy lies in a private network, which this installation does not allow."),
        gettext_noop("The operator can allow it with SAMKLANG_ALLOW_PRIVATE_ADDRESSES=1."),
    ),
    "proxy_refused": (
        gettext_noop("The proxy does not lead to the server."),
        gettext_noop("Check the server's address, and that the proxy may connect to that host and port."),
    ),
    "proxy_sign_in_refused": (
        gettext_noop("The proxy wants another user name or password."),
        gettext_noop(
            "Correct the proxy's user name and password in the settings. Samklang signs in to a proxy with Basic only, "
            "and tries once an hour."
        ),
    ),
    "not_an_address": (
        gettext_noop("This is no e-mail address whose domain could be asked."),
        gettext_noop("Give the e-mail address of somebody with a mailbox on the server."),
    ),
    "no_account": (
        gettext_noop("The delegate account is not named yet."),
        gettext_noop("Save its user name and password first: Autodiscover answers only who signs in."),
    ),
    "no_autodiscover": (
        gettext_noop("Nobody told the server's address."),
        gettext_noop(
            "Ask who runs the Exchange Server for its EWS address and enter it, or have Autodiscover published for the "
            "domain of your addresses."
        ),
    ),
    "not_autodiscover": (
        gettext_noop("There is no Autodiscover at this address."),
        gettext_noop("Nothing needs to be done if another address answers."),
    ),
    "autodiscover_refused": (
        gettext_noop("Autodiscover knows no settings for this e-mail address."),
        gettext_noop("Give the e-mail address of somebody with a mailbox on the server."),
    ),
    "foreign_host": (
        gettext_noop("Autodiscover leads to a host outside your domain; nothing was sent there."),
        gettext_noop("Confirm the host if it is where your Exchange Server is; if you do not know it, do not."),
    ),
    "too_many_redirects": (
        gettext_noop("Autodiscover leads on and on."),
        gettext_noop("Ask who runs the Exchange Server for its EWS address and enter it."),
    ),
    "went_on": (
        gettext_noop("The answer leads elsewhere."),
        gettext_noop("Nothing needs to be done if another address answers."),
    ),
}

#: How a server was asked.
WAYS = {
    "soap": gettext_lazy("Autodiscover (SOAP)"),
    "pox": gettext_lazy("Autodiscover (XML)"),
    "plain": gettext_lazy("Redirect over http"),
}
