"""Layer 0: values and errors that every other part speaks. Imports nothing of ours."""
