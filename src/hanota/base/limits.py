"""Limits of the standards, each with its unit and origin. What can be computed is computed."""

from typing import Final

from hanota.base.eui import EUI64_CHARS

DEVICES_PER_REQUEST_MAX: Final = 50_000
DEVICE_LIST_CHARS_MAX: Final = DEVICES_PER_REQUEST_MAX * (EUI64_CHARS + 1) - 1  # commas between, none after
assert DEVICE_LIST_CHARS_MAX == 1_199_999  # xs:maxLength of DeviceIDList, DUIS Schema V5.4

IMAGE_OCTETS_MAX_SCHEMA: Final = 10_240_000  # xs:maxLength of FirmwareImage, DUIS Schema V5.4
IMAGE_OCTETS_MAX_BUSINESS: Final = 750 * 1024  # R6: 750 kB, 1 kB counted as 1024 as the schema does
BLOCK_OCTETS_MAX: Final = 255  # the length octet of Image Block Response, ZCL 11.13.6
REQUEST_OCTETS_MAX: Final = 15 * 1024 * 1024  # body of one HTTP request; larger ones are refused while read
WAN_FRAME_OCTETS_MAX: Final = 512 * 1024  # one frame between head end and hub
WAN_ENVELOPE_OCTETS_MAX: Final = 512 * 1024  # frames in one message of a carrier that counts messages

MESSAGE_OCTETS_MAX: Final = 100_000  # body that the public client takes: its parser's default of 100 kB (domain 3.3)
LISTED_DEVICES_MAX: Final = 3_900  # devices of one message, so that with all else it stays below MESSAGE_OCTETS_MAX
assert LISTED_DEVICES_MAX * (EUI64_CHARS + 1) <= MESSAGE_OCTETS_MAX - 6_000
STORED_NUMBER_MAX: Final = (1 << 63) - 1  # what a store keeps; numbers of 64 bits on the wire may be beyond
