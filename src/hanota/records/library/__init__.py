"""Firmware by hash."""
