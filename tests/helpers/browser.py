"""A headless Chromium for tests of the console; the machine's own, so that nothing is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from helpers.leaving_out import leave_out

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Give the browser's path; leave the test out, and say why, where there is none."""
    found = os.environ.get("HANOTA_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        leave_out("no Chromium: install it (Debian: apt-get install chromium) or set HANOTA_CHROMIUM to its path")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """Open a browser, and close it afterwards."""
    path = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield opened
        finally:
            opened.close()
