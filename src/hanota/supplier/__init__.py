"""Layer 3, the supplier's desk: sign requests, send them, say what the answers mean. Speaks DUIS and SMKI only."""
