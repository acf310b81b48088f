"""Laws of every binary codec: what is written is read back, and what is read would be written the same again.

A new codec joins as one row of BINARY_CODECS.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.wire import gbcs, otaimage, wan, zcl
from hanota.wire.otaimage.header import LAYOUT as HEADER
from hanota.wire.otaimage.maker import TRAILER
from hanota.wire.wan.codec import read_kind, write_kind
from hanota.wire.wan.tables import ROWS as FRAMES
from hanota.wire.wan.tables import Place
from hanota.wire.wan.tables import Row as FrameRow
from hanota.wire.zcl.tables import ROWS as COMMANDS
from hanota.wire.zcl.tables import Row as CommandRow
from helpers.gbcs import messages
from helpers.layouts import values_of


@dataclass(frozen=True)
class Codec:
    """One codec of whole messages: `read` raises `refusal` and nothing else."""

    name: str
    values: st.SearchStrategy[Any]
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]
    refusal: type[HanotaError]


def command(row: CommandRow) -> Codec:
    return Codec(
        f"zcl {row.command.__name__} of the {row.sender.name.lower()}",
        st.tuples(st.integers(0, 255), values_of(row.layout)),
        lambda value: zcl.write_command(*value, row.sender),
        lambda octets: zcl.read_command(row.cluster, octets, row.sender),
        zcl.ZclMalformed,
    )


def frame(row: FrameRow) -> Codec:
    values = CHUNKS if row.frame is wan.ImageChunk else values_of(row.layout)
    if row.place in (Place.DOWN, Place.UP):
        return Codec(f"wan {row.frame.__name__}", values, wan.write_frame, wan.read_frame, wan.FrameMalformed)
    inside = lambda octets: read_kind(octets, row.place)  # noqa: E731 - it is one field of the row below
    return Codec(f"wan {row.frame.__name__}", values, write_kind, inside, wan.FrameMalformed)


CHUNKS = st.builds(
    lambda offset, data, more, image_hash: wan.ImageChunk(
        image_hash=image_hash, offset=offset, image_octets=offset + len(data) + more, data=data
    ),
    st.integers(0, 1 << 24),
    st.binary(max_size=80),
    st.integers(0, 1 << 24),
    st.binary(min_size=32, max_size=32),
)


def image(tail: otaimage.Tail) -> Codec:
    @st.composite
    def images(draw: st.DrawFn) -> otaimage.GbImage:
        content = draw(st.binary(min_size=1, max_size=80))
        header = otaimage.fit_header(draw(values_of(HEADER)), len(content), tail)
        if tail is otaimage.Tail.NONE:
            return otaimage.GbImage(header=header, manufacturer_image=content)
        force_replace, signature = draw(st.integers(0, 255)), draw(st.binary(min_size=64, max_size=64))
        return otaimage.GbImage(
            header=header, manufacturer_image=content, force_replace=force_replace, signature=signature
        )

    read = lambda octets: otaimage.read_image(octets, tail)  # noqa: E731 - it is one field of the row below
    return Codec(f"image with tail {tail}", images(), otaimage.write_image, read, otaimage.ImageMalformed)


def write_envelope(entries: list[wan.Entry]) -> bytes:
    """What is far below the limit goes into one."""
    ((octets, _),) = wan.write_envelopes(entries)
    return octets


ENVELOPED = st.lists(st.builds(wan.Entry, st.integers(0, (1 << 64) - 1).map(Eui64), st.binary(max_size=60)), min_size=1)
BINARY_CODECS = (
    *(command(row) for row in COMMANDS),
    *(frame(row) for row in FRAMES),
    *(image(tail) for tail in otaimage.Tail),
    Codec("GBCS message", messages(), gbcs.write_message, gbcs.read_message, gbcs.GbcsMalformed),
    Codec("envelope", ENVELOPED, write_envelope, wan.read_envelope, wan.FrameMalformed),
    Codec("OTA header", values_of(HEADER), HEADER.write, HEADER.read_whole, otaimage.ImageMalformed),
    Codec("maker's trailer", values_of(TRAILER), TRAILER.write, TRAILER.read_whole, HanotaError),
)
FEWER = settings(max_examples=settings.default.max_examples // 4)  # the laws that damage proves once more
every_codec = pytest.mark.parametrize("codec", BINARY_CODECS, ids=lambda codec: codec.name)


@every_codec
@given(data=st.data())
def test_what_is_written_is_read_back(codec: Codec, data: st.DataObject) -> None:
    value = data.draw(codec.values)
    assert codec.read(codec.write(value)) == value


@every_codec
@FEWER
@given(noise=st.binary(max_size=400))
def test_noise_is_refused_or_read_without_loss(codec: Codec, noise: bytes) -> None:
    with contextlib.suppress(codec.refusal):  # any other exception is a bug
        assert codec.write(codec.read(noise)) == noise


@every_codec
@given(data=st.data())
def test_damage_is_refused_or_read_without_loss(codec: Codec, data: st.DataObject) -> None:
    octets = bytearray(codec.write(data.draw(codec.values)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, max(len(octets) - 1, 0)))
        kind = data.draw(st.sampled_from(("change", "cut", "grow")))
        match kind:
            case "change" if octets:
                octets[place] = data.draw(st.integers(0, 255))
            case "cut":
                del octets[place:]
            case _:
                octets[place:place] = data.draw(st.binary(min_size=1, max_size=3))
    with contextlib.suppress(codec.refusal):
        assert codec.write(codec.read(bytes(octets))) == bytes(octets)


@every_codec
@FEWER
@given(data=st.data())
def test_a_part_is_never_taken_for_the_whole_without_notice(codec: Codec, data: st.DataObject) -> None:
    """What is cut off is either refused or, where the last field takes all that is left, no longer the same value."""
    value = data.draw(codec.values)
    octets = codec.write(value)
    with contextlib.suppress(codec.refusal):
        assert codec.read(octets[: data.draw(st.integers(0, len(octets) - 1))]) != value


def test_each_codec_has_its_own_name() -> None:
    assert len({codec.name for codec in BINARY_CODECS}) == len(BINARY_CODECS)
