"""`python -m hanota` is the command line."""

from hanota.faces.cli import main

if __name__ == "__main__":
    main()
