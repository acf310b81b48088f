"""The DUIS gateway as DCC clients know it: three web services that take a signed request and give the answer."""

from hanota.faces.gateway.duis import gateway

__all__ = ["gateway"]
