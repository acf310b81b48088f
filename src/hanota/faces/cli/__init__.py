"""The command line. `program` is what `hanota` and `python -m hanota` run."""

from hanota.faces.cli.root import main, program

__all__ = ["main", "program"]
