"""What every kind of deed does to a town, as a table. Faults are counted when they strike, not when they are planned.

Noise lasts: a deed with `for_ms` is taken back when its time is over, and all are when the town heals.
"""

from collections.abc import Callable
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant
from hanota.edge.estate import PowerCut
from hanota.edge.han.link import HanModel
from hanota.model.profiles import PROFILES
from hanota.sim import hostility
from hanota.sim.images import whole_file
from hanota.sim.plan import Deed
from hanota.sim.town import Town
from hanota.wan.inprocess import NetworkModel

_Do = Callable[[Town, Deed], bool]
"""Do it. Returns: whether it did anything (a device that is gone has no power to lose)."""

_PERMILLE: Final = 1000
_TAMPERED_AT: Final = 100  # an octet of the Manufacturer Image


def do(town: Town, deed: Deed) -> None:
    """Do one deed now, and note when it ends."""
    town.done.append(deed)
    town.on_deed(deed)
    with town.store.sheltered():
        struck = DEEDS[deed.kind](town, deed)
    if struck and deed.kind not in COUNTED_ELSEWHERE:
        town.faults[deed.kind] += 1
    if deed.for_ms and deed.kind in LASTING:
        town.ends.append((Instant(town.now + deed.for_ms), deed))


def undo(town: Town, deed: Deed) -> None:
    """Take a lasting deed back."""
    if deed.kind in _NOISE:
        town.noise.pop(id(deed), None)
        _make_noise(town)
    elif deed.kind in ("clock_skew", "hub_clock_skew") and deed.node is not None and town.home_of(deed.node):
        town.world.estate.set_clock(deed.node, 0)


def heal(town: Town) -> None:
    """End every fault that goes on; what was planned for later does not happen any more."""
    for _, deed in town.ends:
        undo(town, deed)
    town.ends.clear()
    town.noise.clear()
    _make_noise(town)
    town.store.spare()
    town.suppliers.silent_until.clear()
    for home in town.world.description.premises:
        for node in (home.hub.chf, *(device.eui for device in home.devices)):
            town.world.estate.heal(node, town.now)


def _ask(town: Town, deed: Deed) -> bool:
    town.suppliers.now = town.now
    town.suppliers.ask(deed, town.plan.by_name(deed.name))
    return True


def _ask_again(town: Town, deed: Deed) -> bool:
    assert deed.party is not None
    town.suppliers.now = town.now
    town.suppliers.ask_again(deed.party)
    return True


def _noise(town: Town, deed: Deed) -> bool:
    town.noise[id(deed)] = deed
    _make_noise(town)
    return True


def _make_noise(town: Town) -> None:
    """Let air and network have the noise of all the deeds that go on."""
    loud: dict[str, int] = {}
    for deed in town.noise.values():
        loud[deed.kind] = max(loud.get(deed.kind, 0), deed.amount)
    share = {kind: amount / _PERMILLE for kind, amount in loud.items()}
    town.world.estate.change_air(
        HanModel(
            loss=share.get("han_loss", 0.0),
            duplication=share.get("han_duplication", 0.0),
            corruption=share.get("han_corruption", 0.0),
            jitter_ms=10 + loud.get("han_reordering", 0),
        )
    )
    town.world.wan.change(
        NetworkModel(
            loss=1.0 if "wan_outage" in loud else share.get("wan_loss", 0.0),
            duplication=share.get("wan_duplication", 0.0),
            corruption=share.get("wan_corruption", 0.0),
            latency_ms=120 + loud.get("slow_wan", 0),
            jitter_ms=80 + 20 * loud.get("wan_reordering", 0),
        )
    )


def _reboot(town: Town, deed: Deed) -> bool:
    assert deed.node is not None
    if town.home_of(deed.node) is None:
        return False
    town.world.estate.reboot(deed.node, town.now, max(deed.for_ms, SECOND))
    return True


def _power_cut(town: Town, deed: Deed) -> bool:
    """The cut is before a write or after it, as the number is even or odd; it counts when it strikes."""
    assert deed.node is not None
    if town.home_of(deed.node) is None:
        return False
    cut = PowerCut(writes=1 + deed.amount // 2, after=bool(deed.amount % 2), off_ms=max(deed.for_ms, SECOND))
    town.world.estate.cut_at_write(deed.node, cut)
    town.cuts.append((deed.kind, cut))
    return True


def _crash(town: Town, deed: Deed) -> bool:
    town.store.kill_at(deed.amount // 2, after_commit=bool(deed.amount % 2))
    return True


def _silent(town: Town, deed: Deed) -> bool:
    assert deed.party is not None
    town.suppliers.silent_until[deed.party] = Instant(town.now + deed.for_ms)
    return True


def _skew(town: Town, deed: Deed) -> bool:
    assert deed.node is not None
    if town.home_of(deed.node) is None:
        return False
    town.world.estate.set_clock(deed.node, deed.amount)
    return True


def _replay(town: Town, deed: Deed) -> bool:
    """Frames that went up long ago come again, the last ones first."""
    again = town.record.frames_up[-deed.amount :][::-1]
    for hub, _, frame in again:
        town.world.wan.premises.send(hub, frame, town.now)
    return bool(again)


def _change_supplier(town: Town, deed: Deed) -> bool:
    assert deed.party is not None
    town.world.change_supplier(deed.name, deed.party, town.now)
    town.record.supplier_changed(deed.name, deed.party, town.now)
    return True


def _change_tenancy(town: Town, deed: Deed) -> bool:
    town.world.change_tenancy(deed.name, town.now)
    return True


def _swap_device(town: Town, deed: Deed) -> bool:
    assert deed.node is not None
    if town.home_of(deed.node) is None:
        return False
    town.world.swap_device(deed.node, town.newcomer(), town.now)
    town.enter_homes()
    return True


def _swap_hub(town: Town, deed: Deed) -> bool:
    town.record.rebuilt.add(deed.name)
    town.world.swap_hub(deed.name, town.newcomer(), town.newcomer(), town.now)
    town.enter_homes()
    return True


def _try_hht(town: Town, deed: Deed) -> bool:
    """A hand-held terminal asks the hub of a home for what it wants."""
    home = _home_of(town, deed.node)
    return home is not None and town.visit(home, None, None)


def _use_hht(town: Town, deed: Deed) -> bool:
    """A hand-held terminal offers a device an image by itself."""
    home = _home_of(town, deed.node)
    if home is None or deed.node is None:
        return False
    firmware = town.plan.by_name(deed.name)
    file = whole_file(firmware, town.supplier_key(town.plan.estate.parties[0].eui).key, 0)
    if deed.amount and PROFILES[firmware.device_type].supplier_signed:
        file = file[:_TAMPERED_AT] + bytes([file[_TAMPERED_AT] ^ 1]) + file[_TAMPERED_AT + 1 :]
    else:
        town.record.local[deed.node].add(file)
    return town.visit(home, deed.node, file)


def _hostile(town: Town, deed: Deed) -> bool:
    assert deed.node is not None
    home = _home_of(town, deed.node)
    if home is None:
        return False
    town.record.attacked.add(home)
    return hostility.attack(town, deed.node, home, deed.amount)


def _home_of(town: Town, node: Eui64 | None) -> str | None:
    return None if node is None else town.home_of(node)


_NOISE: Final = frozenset(
    {
        "han_loss",
        "han_duplication",
        "han_reordering",
        "han_corruption",
        "wan_loss",
        "wan_duplication",
        "wan_reordering",
        "wan_corruption",
        "wan_outage",
        "slow_wan",
    }
)
LASTING: Final = _NOISE | {"clock_skew", "hub_clock_skew"}
COUNTED_ELSEWHERE: Final = frozenset(
    {
        "ask",
        "ask_again",
        "service_crash",  # when the process dies
        "hub_power_cut",  # when it strikes
        "device_power_cut",
        "han_loss",  # frames, by the link
        "han_duplication",
        "han_reordering",
        "han_corruption",
        "wan_loss",  # frames, by the network
        "wan_duplication",
        "wan_reordering",
        "wan_corruption",
    }
)

DEEDS: Final[dict[str, _Do]] = {
    "ask": _ask,
    "competing_request": _ask,
    "ask_again": _ask_again,
    **dict.fromkeys(sorted(_NOISE), _noise),
    "wan_replay": _replay,
    "hub_reboot": _reboot,
    "device_off": _reboot,
    "hub_power_cut": _power_cut,
    "device_power_cut": _power_cut,
    "service_crash": _crash,
    "party_silent": _silent,
    "clock_skew": _skew,
    "hub_clock_skew": _skew,
    "change_of_supplier": _change_supplier,
    "change_of_tenancy": _change_tenancy,
    "device_swap": _swap_device,
    "hub_swap": _swap_hub,
    "hht_attempt": _try_hht,
    "hht_success": _use_hht,
    "hostile_device": _hostile,
}
"""What may be done to a town."""
