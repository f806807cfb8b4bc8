"""Readers of recorded pages, each run as a script of its own: a JSON order on standard input, the processor seconds of
each pass out.

Those of other people's clients run in an environment where nothing of ours is installed.
"""
