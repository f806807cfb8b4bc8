"""Exchange Web Services as the servers of 2007 to SE speak it (facts/ews.md), and what tells where they are."""

from samklang.sandbox.ews import autodiscover
from samklang.sandbox.ews.service import add_routes

__all__ = ["add_routes", "autodiscover"]
