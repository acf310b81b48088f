"""Measurements that hold promises to figures, on the machine at hand; each gives one row, ready for JSON."""
