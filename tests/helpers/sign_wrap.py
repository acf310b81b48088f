"""The industry's signing tool, a Java archive in an npm package: used where it was installed, never kept here."""

import os
from pathlib import Path

from helpers.leaving_out import leave_out

_REMEDY = "install npm package @smartdcc/duis-sign-wrap and set HANOTA_SIGN_WRAP to the package's folder"


def sign_wrap_jar() -> Path:
    """Give the tool's archive; leave the test out, and say why, where it is missing."""
    folder = os.environ.get("HANOTA_SIGN_WRAP")
    jar = Path(folder, "dist", "tool.jar") if folder else None
    if jar is None or not jar.is_file():
        leave_out(f"the industry's signing tool is not here ({jar or 'HANOTA_SIGN_WRAP is not set'}): {_REMEDY}")
    return jar
