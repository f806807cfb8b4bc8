"""Samklang: two-way calendar sync between a PSA system and Microsoft calendars."""

__version__ = "0.1.0"
