"""Layer 2: messages to parties. One small port; parties without an endpoint read theirs from the store."""
