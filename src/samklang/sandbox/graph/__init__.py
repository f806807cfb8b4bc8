"""Microsoft Graph v1.0 as far as calendars need it (Graph facts). `add_routes` puts it on the TLS port."""

from samklang.sandbox.graph.app import add_routes

__all__ = ["add_routes"]
