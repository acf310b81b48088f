"""Without this file pytest takes the directory for no package: fixtures of that scope would live as long as the run."""
