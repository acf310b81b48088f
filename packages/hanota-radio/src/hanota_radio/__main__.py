"""`python -m hanota_radio` is `hanota-radio`."""

from hanota_radio.cli import main

if __name__ == "__main__":
    main()
