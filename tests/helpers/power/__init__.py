"""Power cuts of the store: what a disk was told is recorded, and rebuilt as it may stand after a cut at any point."""
