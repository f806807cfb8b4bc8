"""Readers of recorded pages, each run as a script of its own: a JSON order on standard input, processor seconds out.

Those of other people's clients run in an environment where nothing of ours is installed.
"""
