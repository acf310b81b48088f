"""`python -m hanota` is the command line."""

from hanota.faces.cli import program

if __name__ == "__main__":
    program()
