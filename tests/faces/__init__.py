"""Without this file pytest takes the directory for no package, and its fixtures of that scope live as long as the run."""
