"""The wide-area network between head end and hubs: one small port and its carriers. Frames are opaque octets here."""
