"""The peer of `hanota bench hub`: zigpy decodes each request and encodes its response, and does nothing else.

`python peer.py FRAMES`: every line of the file is a request and its response, both in hexadecimal. It says "ready" with
its name when it is idle, and then makes so many turns as a line on stdin says; the answer is a line
"true|false MILLISECONDS", true if what it writes is what the file has.
"""

import sys
import time
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from zigpy import types
from zigpy.zcl import foundation
from zigpy.zcl.clusters.general import Ota

REQUEST = Ota.ServerCommandDefs.image_block
RESPONSE = Ota.ClientCommandDefs.image_block_response
FIXED_OCTETS = 17  # of a response's frame in front of the block


def turn(frame: bytes, block: bytes) -> bytes:
    """Decode an Image Block Request and encode the Image Block Response that carries `block`."""
    header, rest = foundation.ZCLHeader.deserialize(frame)
    request: Any  # zigpy makes a command's fields while it runs
    request, _ = Ota.server_commands[header.command_id].schema.deserialize(rest)
    answer = foundation.ZCLHeader(
        frame_control=foundation.FrameControl(
            frame_type=foundation.FrameType.CLUSTER_COMMAND,
            is_manufacturer_specific=False,
            direction=foundation.Direction.Server_to_Client,
            disable_default_response=True,
            reserved=0,
        ),
        tsn=header.tsn,
        command_id=RESPONSE.id,
    )
    response = RESPONSE.schema(
        status=foundation.Status.SUCCESS,
        manufacturer_code=request.manufacturer_code,
        image_type=request.image_type,
        file_version=request.file_version,
        file_offset=request.file_offset,
        image_data=types.LVBytes(block),
    )
    return answer.serialize() + response.serialize()


def main() -> None:
    """Answer every line until stdin ends."""
    lines = Path(sys.argv[1]).read_text(encoding="ascii").splitlines()
    pairs = [(bytes.fromhex(request), bytes.fromhex(response)) for request, response in map(str.split, lines)]
    work = [(request, response[FIXED_OCTETS:]) for request, response in pairs]
    equal = all(turn(request, response[FIXED_OCTETS:]) == response for request, response in pairs)
    print(f"ready zigpy {version('zigpy')}, which only decodes the requests and encodes the responses", flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for request, block in islice(cycle(work), int(line)):
            turn(request, block)
        print(f"{str(equal).lower()} {(time.perf_counter() - began) * 1000:.3f}", flush=True)


if __name__ == "__main__":
    main()
