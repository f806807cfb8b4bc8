"""`python -m samklang` is the `samklang` command."""

from samklang.cli import main

main()
