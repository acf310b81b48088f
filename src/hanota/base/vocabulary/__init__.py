"""The open enumerations that `wire` and `model` both speak, spelt as the standards spell them."""
