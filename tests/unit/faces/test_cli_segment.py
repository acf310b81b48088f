"""`hanota image segment`, as a person at a terminal meets it."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from hanota.faces.cli import main
from hanota.wire.otaimage import Tail, read_image, write_image
from hanota.wire.otaimage.build import build_image, read_description
from hanota.wire.otaimage.segments import join

IMAGE = build_image(
    read_description(
        'manufacturer = 0x121D\nimage_type = 0x0084\nfile_version = "0002012F"\n[payload]\noctets = 1000\nseed = 7\n'
    )
)


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    command = ["hanota", "image", *map(str, arguments)]
    with mock.patch.object(sys, "argv", command), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "ihd.zigbee"
    place.write_bytes(write_image(IMAGE))
    return place


def test_an_image_is_cut_into_files_that_join_to_it(file: Path, tmp_path: Path) -> None:
    code, out, _ = run("segment", file, "--max-octets", 500, "--out", tmp_path / "new" / "segments")
    files = sorted((tmp_path / "new" / "segments").iterdir())
    assert code == 0
    assert len(files) == 3
    assert files[0].name == f"121D-0084-0002012F-{IMAGE.manufacturer_hash.hex().upper()}-1of3.zigbee"
    assert join(read_image(place.read_bytes(), Tail.NONE) for place in files) == IMAGE
    assert "3 segments of 1000 octets" in out
    assert IMAGE.manufacturer_hash.hex().upper() in out


def test_json_names_files_sizes_and_the_hash_that_the_list_names(file: Path, tmp_path: Path) -> None:
    _, out, _ = run("segment", file, "--max-octets", 500, "--out", tmp_path / "segments", "--json")
    told = json.loads(out)
    assert (told["whole_octets"], told["whole_sha256"]) == (1000, IMAGE.manufacturer_hash.hex().upper())
    assert [part["octets"] for part in told["segments"]] == [500, 500, 294]
    assert all(Path(part["file"]).is_file() for part in told["segments"])


def test_inspect_shows_which_segment_of_what_a_file_is(file: Path, tmp_path: Path) -> None:
    run("segment", file, "--max-octets", 500, "--out", tmp_path / "segments")
    last = sorted((tmp_path / "segments").iterdir())[-1]
    _, out, _ = run("inspect", last, "--json")
    assert json.loads(out)["segment"] == {
        "index": 2,
        "count": 3,
        "octets": 196,
        "whole_octets": 1000,
        "whole_sha256": IMAGE.manufacturer_hash.hex().upper(),
    }


def test_inspect_of_an_image_in_one_piece_speaks_of_no_segment(file: Path) -> None:
    _, out, _ = run("inspect", file, "--json")
    assert "segment" not in json.loads(out)


def test_an_image_within_the_limit_is_not_cut(file: Path, tmp_path: Path) -> None:
    code, _, err = run("segment", file, "--out", tmp_path / "segments")
    assert code != 0
    assert "HOTA-IMAGE-025" in err
    assert not (tmp_path / "segments").exists()
