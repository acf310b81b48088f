"""Checks of a whole town: those that hold at any time, and those that hold once everything has settled."""

from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices.banks import UNHEALTHY_MARK, Banks
from hanota.edge.estate.factory import factory_image
from hanota.edge.memory import below
from hanota.model.alerts import VERDICTS, AlertKind
from hanota.model.delivery import ENDS
from hanota.records.ledger import verify
from hanota.records.store import audit
from hanota.sim.checks import Check, InvariantBroken, hub_orders, slots_in_use
from hanota.sim.record import GBCS_AT
from hanota.sim.town import Town
from hanota.wire import duis
from hanota.wire.otaimage import read_header, write_image
from hanota.wire.zcl import Answer

_RANK: Final[dict[str, int]] = {
    state: place
    for place, state in enumerate(
        (
            "REQUESTED",
            "QUEUED",
            "ON_WAN",
            "HELD",
            "TRANSFERRING",
            "TRANSFERRED",
            "CONSENT",
            "ACTIVATING",
            "ACTIVATED",
        )
    )
}
_MUDDLING: Final = frozenset({"clock_skew", "hub_clock_skew"})
_LIVE: Final = frozenset({"ACCEPTED", "HELD", "TRANSFERRING", "BETWEEN_PARTS", "CONSENT"})
_KEPT_KINDS: Final = frozenset({0x91, 0x92, 0x93, 0x95})  # Receipt, GbcsUp, DeviceSeen, ConsentGiven
_ACTIVATION_WAS_DUE: Final = frozenset({"CONFIRMED", "VERSION_MISMATCH", "ACTIVATION_FAILED", "UNCONFIRMED"})


def check_any_time(town: Town) -> None:
    """What has to hold at every instant. Raises InvariantBroken."""
    _judge(town, ANY_TIME)


def check_settled(town: Town) -> None:
    """What has to hold when all is over. Raises InvariantBroken."""
    _judge(town, ANY_TIME + SETTLED)


def _judge(town: Town, checks: tuple[tuple[str, Check], ...]) -> None:
    for rule, check in checks:
        for wrong in check(town):
            raise InvariantBroken(rule, wrong)


def _evidence_verifies(town: Town) -> Iterator[str]:
    with town.store.reading() as connection:
        report = verify(connection)
    if not report:
        yield f"the event log breaks at {report.broken_lane}/{report.broken_seq}"


def _versions_have_evidence(town: Town) -> Iterator[str]:
    """A commissioned device's version is the declared one or one that it really ran, or said that it runs (I5)."""
    with town.store.reading() as connection:
        rows = audit.devices(connection)
    for row in rows:
        node = Eui64.from_signed(row.eui)
        if node not in town.record.ran or row.version is None:
            continue
        if row.version not in town.record.ran[node] and row.version not in town.record.claimed.get(node, ()):
            yield f"the inventory says that {node} runs {row.version:08X}, which it never did"


def _nobody_acts_without_right(town: Town) -> Iterator[str]:
    """Requests, releases and commands, each at its own instant (I3)."""
    with town.store.reading() as connection:
        deliveries = {row.id: row for row in audit.deliveries(connection)}
        commands = audit.commands(connection)
        released = [
            (Instant(event["at"]), number)
            for event in audit.events(connection)
            if event["kind"] == "released"
            for number in event["columns"]["delivery"]
        ]
    for row in deliveries.values():
        sender, device = Eui64.from_signed(row.originator), Eui64.from_signed(row.device)
        if not town.record.responsible(sender, device, Instant(row.received_at)):
            yield f"{sender} was let send to {device}, for which it was not responsible"
    for at, number in released:
        row = deliveries[number]
        sender, device = Eui64.from_signed(row.originator), Eui64.from_signed(row.device)
        if not town.record.responsible(sender, device, at):
            yield f"delivery {number} left for {device} when {sender} was not responsible for it"
    for command in commands:
        user, device = Eui64.from_signed(command.user), Eui64.from_signed(command.device)
        if command.signed is not None and not town.record.responsible(user, device, Instant(command.received_at)):
            yield f"{user} was let command {device}, for which it was not responsible"


def _one_end(town: Town) -> Iterator[str]:
    """No delivery ends twice, and none goes on after its end (I4)."""
    ended: dict[int, str] = {}
    with town.store.reading() as connection:
        for event in audit.events(connection):
            columns = event["columns"]
            if event["kind"].startswith("late_") or "from" not in columns:
                continue
            for number, to in zip(columns.get("delivery", ()), columns.get("to", ()), strict=False):
                if number in ended and to != ended[number]:
                    yield f"delivery {number} had ended {ended[number]} and became {to}"
                elif number in ended and event["kind"] not in ("order_accepted",):
                    yield f"delivery {number} had ended {to} and took {event['kind']}"
                if to in ENDS:
                    ended[number] = to


def _only_forward(town: Town) -> Iterator[str]:
    """States follow each other as in the plan of a delivery; only another hub takes one back (I4)."""
    with town.store.reading() as connection:
        for event in audit.events(connection):
            columns = event["columns"]
            if event["kind"] == "hub_swapped" or "from" not in columns or "to" not in columns:
                continue
            for number, before, after in zip(columns["delivery"], columns["from"], columns["to"], strict=True):
                if _RANK.get(after, len(_RANK)) < _RANK.get(before, len(_RANK)):
                    yield f"delivery {number} went back from {before} to {after} by {event['kind']}"


def _success_is_true(town: Town) -> Iterator[str]:
    """CONFIRMED means that the device ran the image's version, and had time to settle (R22)."""
    settle_ms = town.plan.policies.alert.confirm_after_ms
    activated: dict[int, int] = {}
    with town.store.reading() as connection:
        rows = {row.id: row for row in audit.deliveries(connection)}
        for event in audit.events(connection):
            columns = event["columns"]
            for number, before, after in zip(
                columns.get("delivery", ()), columns.get("from", ()), columns.get("to", ()), strict=False
            ):
                if after == "ACTIVATED" and before != after:
                    activated[number] = event["at"]
                elif after == "CONFIRMED" and before != after and event["at"] - activated.get(number, 0) < settle_ms:
                    yield f"delivery {number} was confirmed before the device had settled"
    for row in rows.values():
        device = Eui64.from_signed(row.device)
        ran = town.record.ran.get(device, set()) | town.record.claimed.get(device, set())
        if row.state == "CONFIRMED" and row.version not in ran:
            yield f"delivery {row.id} is CONFIRMED, but {device} never ran {row.version:08X}"


def _no_is_no(town: Town) -> Iterator[str]:
    """What a consumer refused does not run, and nobody may send it while the refusal stands (R27)."""
    for (device, version), answer in town.record.said.items():
        local = town.record.local.get(device)
        if answer is Answer.NO and not local and version in town.record.ran.get(device, ()):
            yield f"{device} runs {version:08X}, to which its consumer said no"
    with town.store.reading() as connection:
        overridden = audit.refusals_overridden(connection)
    for row in overridden:
        yield f"delivery {row.id} to {Eui64.from_signed(row.device)} was accepted though its consumer had refused it"


def _all_ended(town: Town) -> Iterator[str]:
    with town.store.reading() as connection:
        rows = audit.deliveries(connection)
        left = audit.work_left(connection)
        commands = [row for row in audit.commands(connection) if row.due is not None or row.deadline is not None]
    for row in rows:
        if row.state not in ENDS:
            yield f"delivery {row.id} to {Eui64.from_signed(row.device)} is still {row.state}"
    for device in left:
        yield f"open work stands for {device}"
    for command in commands:
        yield f"command {command.id} to {Eui64.from_signed(command.device)} is still {command.state}"


def _homes_settled(town: Town) -> Iterator[str]:
    """Hubs hold nothing for nobody, everything was said, and no device waits for ever (I4)."""
    for home in town.world.description.premises:
        hub = home.hub.chf
        for order in hub_orders(town, hub).values():
            if order.state in _LIVE:
                yield f"order {order.number} of {hub} is still {order.state}"
        for slot in slots_in_use(town, hub):
            yield f"slot {slot} of {hub} is not empty"
        for _ in below(town.memory.memory_of(hub), "uplink/"):
            yield f"{hub} has something to say that nobody took"
        for device in home.devices:
            memory = town.memory.memory_of(device.eui)
            if UNHEALTHY_MARK in Banks(write_image(factory_image(device)), memory).running:
                yield f"{device.eui} stays with an image that fails its self-test"
            for key, what in (("ota", "is still downloading"), ("owed", "owes an answer"), ("trial", "is on trial")):
                if key in memory:
                    yield f"{device.eui} {what}: {memory[key].decode()}"
            for _ in below(memory, "alert/"):
                yield f"{device.eui} has something to say that nobody took"


def _alerts_are_told(town: Town) -> Iterator[str]:
    """Each alert due is recorded once for each party, and reached it (I6)."""
    with town.store.reading() as connection:
        deliveries = audit.deliveries(connection)
        messages = audit.messages(connection)
    for message in messages:
        if message.delivered_at is None and message.lead in (None, message.id):
            yield f"message {message.id} ({message.kind}) to {Eui64.from_signed(message.party)} was never taken"
    by_delivery: dict[int, list[Any]] = defaultdict(list)
    for message in messages:
        if message.delivery is not None:
            by_delivery[message.delivery].append(message)
    moments = _moments(town)
    for row in deliveries:
        yield from _told_once(row, by_delivery[row.id])
        yield from _told_to_all(town, row, by_delivery[row.id], moments[row.id])


def _moments(town: Town) -> dict[int, dict[str, Instant]]:
    """When each delivery was scheduled, and when it came to its end."""
    found: dict[int, dict[str, Instant]] = defaultdict(dict)
    with town.store.reading() as connection:
        for event in audit.events(connection):
            columns = event["columns"]
            for number, before, after in zip(
                columns.get("delivery", ()), columns.get("from", ()), columns.get("to", ()), strict=False
            ):
                if event["kind"] == "scheduled" or (after in ENDS and before != after):
                    found[number][after if after in ENDS else "scheduled"] = Instant(event["at"])
    return found


def _told_to_all(town: Town, row: Any, told: list[Any], moments: dict[str, Instant]) -> Iterator[str]:
    """Everybody responsible at the instant hears: the others of the request, all of the verdict (R18, R22)."""
    device, sender = Eui64.from_signed(row.device), Eui64.from_signed(row.originator)
    for party in town.suppliers_all():
        heard = {m.kind for m in told if Eui64.from_signed(m.party) == party}
        asked, ended = moments.get("scheduled"), moments.get(row.state)
        other = asked and party != sender and town.record.responsible(party, device, asked)
        if other and AlertKind.UPGRADE_REQUESTED not in heard:
            yield f"{party} was not told that {sender} updates {device} (delivery {row.id})"
        concerned = ended and (party == sender or town.record.responsible(party, device, ended))
        if row.state in _ACTIVATION_WAS_DUE and concerned and not heard & VERDICTS:
            yield f"delivery {row.id} ended {row.state}; {party} heard no verdict"


def _told_once(row: Any, told: list[Any]) -> Iterator[str]:
    twice = [key for key, count in Counter((m.party, m.kind) for m in told).items() if count > 1]
    if twice:
        yield f"delivery {row.id}: {twice} is recorded twice"
    verdicts = Counter(m.party for m in told if m.kind in VERDICTS)
    for party, count in verdicts.items():
        if count > 1:
            yield f"delivery {row.id}: {Eui64.from_signed(party)} heard {count} verdicts"


def _posts_are_steady(town: Town) -> Iterator[str]:
    """What counts as taken was posted, always under one ResponseID and in one text (I6)."""
    texts: dict[str, set[bytes]] = defaultdict(set)
    for posted in town.suppliers.posted:
        texts[_response_of(posted.octets)].add(_body_of(posted.octets))
    for identifier, said in texts.items():
        if len(said) > 1:
            yield f"{identifier} was posted in {len(said)} different texts"
    with town.store.reading() as connection:
        own = [m for m in audit.messages(connection) if m.lead in (None, m.id)]
    if len(town.suppliers.offered) > len(own):
        yield f"{len(own)} messages were posted under {len(town.suppliers.offered)} ResponseIDs"
    taken = [message for message in own if message.delivered_at is not None]
    if len(taken) > len(texts):
        yield f"{len(taken)} messages count as taken, {len(texts)} were posted"


def _response_of(octets: bytes) -> str:
    return str(duis.read_response(duis.parse_safely(octets)).response_id)


def _body_of(octets: bytes) -> bytes:
    """The message without the instant at which it was written and the signature over that."""
    response = duis.read_response(duis.parse_safely(octets))
    return repr(response.body).encode()


def _nothing_acknowledged_is_lost(town: Town) -> Iterator[str]:
    """What a Supplier was answered, and what a hub was acknowledged, is in the store (I7)."""
    with town.store.reading() as connection:
        answers = {row.answer for row in audit.requests(connection)}
        kept = audit.report_octets(connection)
        documents = b"".join(audit.documents(connection))
        deliveries = Counter(row.request_id for row in audit.deliveries(connection))
        accepted: Counter[str] = Counter()
        for row in audit.requests(connection):
            if row.image is not None:
                accepted[row.request_id] += row.accepted
    for letter in town.suppliers.letters:
        if letter.answer is not None and letter.answer_octets not in answers:
            yield f"the answer to {letter.prepared.request_id} is in no store"
    for request_id, count in accepted.items():
        if not town.in_segments(request_id) and deliveries[request_id] != count:
            yield f"{request_id}: {count} devices accepted, {deliveries[request_id]} deliveries"
    for hub, event in sorted(town.record.acknowledged):
        body = town.record.uplinks.get((hub, event))
        if body is None or town.home_of(hub) in town.record.attacked:
            continue
        known = body in kept or body[GBCS_AT:] in kept or b64encode(body[GBCS_AT:]) in documents
        if not known and body[1] in _KEPT_KINDS:
            yield f"uplink {hub}/{event} was acknowledged and is in no store"


def _local_is_told(town: Town) -> Iterator[str]:
    """A version that no delivery can have brought is recorded as unexplained (R25).

    Not where clocks were wrong, devices lied or the home was taken apart: what they said then may count for other.
    """
    with town.store.reading() as connection:
        ordered = {(Eui64.from_signed(row.device), row.version) for row in audit.deliveries(connection)}
        told = {
            (event["facts"].get("device"), event["facts"].get("version"))
            for event in audit.events(connection)
            if event["kind"] == "unexplained_report"
        }
    muddled = {deed.node for deed in town.done if deed.kind in _MUDDLING}
    for device, files in town.record.local.items():
        home = town.home_of(device)
        if home is None or home in town.record.attacked or home in town.record.rebuilt or device in muddled:
            continue
        kind = town.record.types[device]
        kept = {made.version for made in town.plan.firmware if made.healthy and made.device_type is kind}
        for version in kept & {read_header(file).file_version for file in files} & town.record.ran[device]:
            if (device, version) not in ordered and (str(device), version) not in told:
                yield f"{device} was upgraded locally to {version:08X} and nobody was told"


def unsettled(town: Town) -> bool:
    """Whether anything is still to be done."""
    return any(True for _, check in SETTLED[:2] for _ in check(town)) or _messages_wait(town)


def _messages_wait(town: Town) -> bool:
    with town.store.reading() as connection:
        return any(message.due is not None for message in audit.messages(connection))


ANY_TIME: Final[tuple[tuple[str, Check], ...]] = (
    ("I8 evidence verifies", _evidence_verifies),
    ("I5 versions have evidence", _versions_have_evidence),
    ("I3 nobody acts without right", _nobody_acts_without_right),
    ("I4 one end", _one_end),
    ("I4 only forward", _only_forward),
    ("R22 success is true", _success_is_true),
    ("R27 no is no", _no_is_no),
)
SETTLED: Final[tuple[tuple[str, Check], ...]] = (
    ("I4 everything ends", _all_ended),
    ("I4 homes settle", _homes_settled),
    ("I6 alerts", _alerts_are_told),
    ("I6 posts", _posts_are_steady),
    ("I7 nothing acknowledged is lost", _nothing_acknowledged_is_lost),
    ("R25 local upgrades are told", _local_is_told),
)
