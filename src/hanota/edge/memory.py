"""How nodes write what they keep: small records as compact JSON under readable keys, for people to look into."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def pack(record: Mapping[str, object]) -> bytes:
    """Write a record of numbers and texts; equal records give equal octets."""
    return json.dumps(record, separators=(",", ":"), sort_keys=True).encode()


def unpack(octets: bytes) -> dict[str, Any]:
    """Read what `pack` wrote."""
    record: dict[str, Any] = json.loads(octets)
    return record


def below(memory: Mapping[str, bytes], prefix: str) -> Iterator[tuple[str, bytes]]:
    """Give what stands under `prefix`, the prefix taken off, in the order of the keys."""
    for key in sorted(key for key in memory if key.startswith(prefix)):
        yield key.removeprefix(prefix), memory[key]


def offset_key(offset: int) -> str:
    """Write an offset so that the order of the keys is the order of the offsets."""
    return f"{offset:08x}"
