"""Layer 3, the head end: `pipeline.py` is the whole flow on one screen, with one pure package for each stage."""
