"""The SMKI repository as its clients know it: search for certificates by subject, fetch one by its serial number."""

from hanota.faces.smki.routes import repository

__all__ = ["repository"]
