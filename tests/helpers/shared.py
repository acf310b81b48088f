"""Where the reference messages and the official schema are; they are read from there, never copied."""

import os
from pathlib import Path

from helpers.leaving_out import leave_out

_REPOSITORY = Path(__file__).resolve().parents[2]


def shared() -> Path:
    """Give the folder with `schema/`, `duis/` and `vectors/`; leave the test out, and say why, where it is missing."""
    folder = Path(os.environ.get("HANOTA_SHARED", _REPOSITORY.parent / "shared"))
    if not (folder / "schema").is_dir():
        leave_out(f"no reference messages at {folder}: put them there or set HANOTA_SHARED to their folder")
    return folder
