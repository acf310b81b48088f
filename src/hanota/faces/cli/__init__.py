"""The command line. `main` is what `hanota` and `python -m hanota` run."""

from hanota.faces.cli.root import main

__all__ = ["main"]
