"""The console: live pages over the same desk as REST, working offline, with no build step."""

from hanota.faces.web.mount import mount_console

__all__ = ["mount_console"]
