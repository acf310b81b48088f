"""The home area network: what happens to a frame between two nodes of one home."""
