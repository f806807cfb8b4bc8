"""The stand-in Exchange and Microsoft 365: EWS and Graph over one set of mailboxes; and a Severa beside them.

A witness, not a mock: it imports nothing else of Samklang, follows the published schemas and the facts
collected for the project, and is checked by clients nobody here wrote. What it assumes where no source
exists is listed in docs/sandbox.md.
"""
