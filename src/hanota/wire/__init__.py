"""Layer 1: the forms that go over a wire or into a file, read and written octet for octet; no clock, no IO."""
