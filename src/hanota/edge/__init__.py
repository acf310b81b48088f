"""Layer 3, the premises side: hubs, devices and the air between them. Meets the head end only in octets over `wan`."""
