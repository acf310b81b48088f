"""Layer 2: what we know. SQL is spoken here and nowhere else."""
