"""A server that is told what to say."""

from tests.wire.ews.scripted import script

__all__ = ["script"]
