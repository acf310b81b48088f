"""Parsers under fuzz: whatever the octets, only errors of ours, in bounded time.

HANOTA_FUZZ_S: seconds for each parser (8 by default; `make fuzz` takes 600). HANOTA_FUZZ_SEED: the first seed, to go on
where another run ended. HANOTA_FUZZ_KEEP=1: keep the smallest of what a run learnt in the corpus.
"""

import os

import pytest

from fuzz.fuzzer import BATCH, Fuzzer, corpus, keep, shrunk
from fuzz.targets import TARGETS, Target

SECONDS = float(os.environ.get("HANOTA_FUZZ_S", "8"))
FIRST_SEED = int(os.environ.get("HANOTA_FUZZ_SEED", "0"))
KEPT_MAX = 60

every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@every_target
def test_what_is_in_the_corpus_is_taken(target: Target) -> None:
    fuzzer = Fuzzer(target, corpus(target))
    assert fuzzer.pool
    fuzzer.replay()


@every_target
def test_mutants_of_the_corpus_raise_only_errors_of_ours(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    fuzzer = Fuzzer(target, corpus(target))
    fuzzer.replay()
    fuzzer.run(SECONDS, FIRST_SEED)
    if os.environ.get("HANOTA_FUZZ_KEEP"):
        for octets in sorted(fuzzer.learnt, key=len)[:KEPT_MAX]:
            keep(target, octets)
    with capsys.disabled():
        print(f"\n{fuzzer.figures()}")


def fragile(octets: bytes) -> None:
    """Breaks on an octet that no start has."""
    if b"\xff" in octets:
        raise ZeroDivisionError


FRAGILE = Target("fragile", fragile, lambda octets: (str(len(octets)),), (b"a\xffb",))


def test_a_finding_is_found_and_made_small() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        Fuzzer(FRAGILE, [b"abc"]).run(seconds=0)
    assert any("\\xff" in note for note in caught.value.__notes__)
    assert shrunk(fragile, b"ab\xffcdefg" * 9, ZeroDivisionError) == b"\xff"


def test_a_seed_gives_the_same_inputs_again() -> None:
    taken: list[list[bytes]] = [[], []]
    for inputs in taken:
        target = Target("listening", inputs.append, lambda octets: (octets[:1].hex(),), (b"word",))
        Fuzzer(target, [b"abc", b"defgh"]).run(seconds=0, first_seed=7)
    shorter = min(map(len, taken))
    assert shorter > BATCH
    assert taken[0][:shorter] == taken[1][:shorter]
