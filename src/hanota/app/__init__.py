"""Layer 4: the only wiring. Settings become objects here; clock, secrets and workers live here."""
