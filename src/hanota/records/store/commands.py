"""Commands to devices on behalf of Users: kept, found when due, sent, and known again by what comes back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.limits import STORED_NUMBER_MAX
from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.model.commands import COMMAND, CommandState
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.frames import name_set
from hanota.records.store.outbox import these_or_due
from hanota.wire.gbcs import CANCELLED_AT, Header


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommand:
    """A command as its request begins it. `signed` is the Signed Pre-Command, None for what the broker writes."""

    user: Eui64
    device: Eui64
    hub: Eui64
    code: int
    signed: bytes | None
    counter: int | None
    execute_at: Instant | None
    state: CommandState = CommandState.WAITING

    def leaves_at(self, now: Instant) -> Instant:
        """Give when it is sent: a dated read waits for its time here, a dated Signed Pre-Command in the device."""
        waits = self.signed is None and self.execute_at is not None
        return max(now, self.execute_at or now) if waits else now


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCommand:
    """A command with what its request said; `device_type` is None once its device has left the inventory, and `gone`
    says that it has left its home, which comes to the same.
    """

    id: int
    request: int
    request_id: RequestId
    service_reference: str
    variant: int
    user: Eui64
    device: Eui64
    device_type: DeviceType | None
    gone: bool
    hub: Eui64
    state: CommandState
    code: int
    execute_at: Instant | None
    deadline: Instant | None
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSending:
    """A command that is to leave; `id` is its number in the outbox, which the broker's own commands count by."""

    id: int
    command: int
    hub: Eui64
    device: Eui64
    device_type: DeviceType
    signed: bytes | None
    request_id: RequestId


def begin_command(connection: Connection, request: int, command: NewCommand, *, now: Instant, deadline: Instant) -> int:
    """Keep a new command; it is due at its execution time, else at once. Returns: its number."""
    ours = command.state is CommandState.WAITING
    number: int = connection.execute(
        insert(t.command)
        .values(
            request=request,
            user=command.user.signed,
            device=command.device.signed,
            hub=command.hub.signed,
            state=command.state.value,
            code=command.code,
            counter=None if command.counter is None else str(command.counter),
            signed=command.signed,
            execute_at=command.execute_at,
            since=now,
            due=command.leaves_at(now) if ours else deadline,
            deadline=deadline,
            tries=0,
        )
        .returning(t.command.c.id)
    ).scalar_one()
    return number


def _kept() -> Select[Any]:
    c, r, d = t.command, t.request, t.device
    return (
        select(c, r.c.request_id, r.c.service_reference, r.c.variant, d.c.device_type, d.c.status)
        .join(r, r.c.id == c.c.request)
        .outerjoin(d, d.c.eui == c.c.device)
    )


def _read(row: Row[Any]) -> KeptCommand:
    return KeptCommand(
        id=row.id,
        request=row.request,
        request_id=RequestId.parse(row.request_id),
        service_reference=row.service_reference,
        variant=row.variant,
        user=Eui64.from_signed(row.user),
        device=Eui64.from_signed(row.device),
        device_type=None if row.device_type is None else DeviceType(row.device_type),
        gone=row.status in (None, DeviceStatus.DECOMMISSIONED),
        hub=Eui64.from_signed(row.hub),
        state=CommandState(row.state),
        code=row.code,
        execute_at=row.execute_at,
        deadline=row.deadline,
        tries=row.tries,
    )


def due_commands(connection: Connection, now: Instant, limit: int = 1000) -> list[KeptCommand]:
    """Give commands that time wakes, the longest waiting first."""
    due = _kept().where(t.command.c.due <= now).order_by(t.command.c.due).limit(limit)
    rows = connection.execute(due.with_for_update(of=t.command, key_share=True, skip_locked=True))
    return [_read(row) for row in rows]


def waiting_reads(connection: Connection, user: Eui64, device: Eui64) -> list[KeptCommand]:
    """Give the future-dated reads of a device that a User may still call off."""
    c = t.command.c
    mine = (c.user == user.signed, c.device == device.signed, c.state == CommandState.WAITING.value, c.signed.is_(None))
    return [_read(row) for row in connection.execute(_kept().where(*mine, c.execute_at.is_not(None)))]


def command_of_outbox(connection: Connection, number: int) -> KeptCommand | None:
    """Find the command that left under a number of the outbox: what the broker's own counters say."""
    o = t.outbox.c
    row = connection.execute(_kept().where(t.command.c.id == select(o.command).where(o.id == number).scalar_subquery()))
    found = row.first()
    return None if found is None else _read(found)


def commands_among(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Give those of these numbers of the outbox under which commands left; reads for deliveries have others."""
    known = [number for number in numbers if number <= STORED_NUMBER_MAX]
    o, wanted = t.outbox.c, name_set(connection, known)
    found = select(o.id).join(wanted, wanted.c.id == o.id).where(o.command.is_not(None))
    return set(connection.execute(found).scalars())


def command_of_user(connection: Connection, user: Eui64, device: Eui64, counter: int) -> KeptCommand | None:
    """Find the command that a User signed, by his own counter in it."""
    c = t.command.c
    query = _kept().where(c.user == user.signed, c.device == device.signed, c.counter == str(counter))
    row = connection.execute(query.order_by(c.id.desc()).limit(1)).first()
    return None if row is None else _read(row)


def command_answered(connection: Connection, header: Header, *, dcc: Eui64) -> KeptCommand | None:
    """Find the command that a device's response answers: the broker's by its number, a User's by his counter."""
    if header.counter > STORED_NUMBER_MAX:  # what a device writes; no command of ours has such a number
        return None
    if header.recipient == dcc:
        found = command_of_outbox(connection, header.counter)
    else:
        found = command_of_user(connection, header.recipient, header.originator, header.counter)
    answers = found is not None and (found.device, found.code) == (header.originator, header.message_code)
    return found if answers else None


def dated_of(connection: Connection, user: Eui64, device: Eui64) -> list[KeptCommand]:
    """Give the dated activations of a User that a device has taken: those it still holds, and those it is done with."""
    c = t.command.c
    taken = c.state.in_([CommandState.DATED.value, CommandState.ANSWERED.value])
    mine = (c.user == user.signed, c.device == device.signed, c.signed.is_not(None), c.execute_at.is_not(None), taken)
    return [_read(row) for row in connection.execute(_kept().where(*mine))]


def move_command(
    connection: Connection,
    lane: str,
    command: KeptCommand,
    event: str,
    *,
    now: Instant,
    due: Instant | None = None,
    deadline: Instant | None = None,
    answer: bytes | None = None,
) -> None:
    """Move a command along its lifecycle, with its event. Raises NoSuchMove."""
    to = COMMAND.move(command.state, event)
    values: dict[str, object] = {"state": to, "due": due, "deadline": deadline, "tries": command.tries + 1}
    if to != command.state:
        values |= {"since": now, "tries": 1 if event == "sent" else command.tries}
    if answer is not None:
        values["answer"] = answer
    connection.execute(update(t.command).where(t.command.c.id == command.id).values(values))
    if event != "sent":  # what has not left yet need not leave any more
        connection.execute(update(t.outbox).where(t.outbox.c.command == command.id).values(due=None))
    facts: dict[str, int | str | None] = {
        "command": command.id,
        "device": str(command.device),
        "from": command.state.value,
        "to": to,
    }
    append(connection, lane, [Event(kind=f"command_{event}", at=now, request=command.request, facts=facts)])


def take_answer(
    connection: Connection,
    lane: str,
    command: KeptCommand,
    octets: bytes,
    *,
    accepted: bool,
    now: Instant,
    wait_ms: int,
) -> bool:
    """Move a command by its device's answer, and end the dated ones that it cancels; False if it changes nothing.

    `accepted`: the device will act at its time, for whose outcome it is waited `wait_ms` longer.
    """
    counter = command.request_id.counter
    others = dated_of(connection, command.user, command.device) if accepted else []
    for dated in others:  # a dated command takes the place of the one before it, and one that cancels leaves none
        if dated.state is CommandState.DATED and dated.request_id.counter < counter:
            move_command(connection, lane, dated, "cancelled", now=now)
    event = "date_accepted" if accepted and command.execute_at != CANCELLED_AT else "answered"
    if not COMMAND.takes(command.state, event):
        return False
    deadline = Instant((command.execute_at or now) + wait_ms) if event == "date_accepted" else None
    move_command(connection, lane, command, event, now=now, due=deadline, deadline=deadline, answer=octets)
    if event == "date_accepted" and any(dated.request_id.counter > counter for dated in others):
        placed = replace(command, state=CommandState.DATED)  # a later one had its answer heard first
        move_command(connection, lane, placed, "cancelled", now=now)
    return True


def keep_late_answer(connection: Connection, lane: str, command: KeptCommand, octets: bytes, now: Instant) -> None:
    """Keep what a device answered to a command that has ended without it. It changes nothing; said again, nothing."""
    c = t.command.c
    first = update(t.command).where(c.id == command.id, c.answer.is_(None)).values(answer=octets)
    if connection.execute(first).rowcount:
        facts: dict[str, int | str | None] = {"command": command.id, "device": str(command.device)}
        append(connection, lane, [Event(kind="late_command_answered", at=now, request=command.request, facts=facts)])


def queue_command(connection: Connection, command: int, now: Instant) -> None:
    """Put a command into the outbox, under its number there if it has one already."""
    o = t.outbox.c
    again = update(t.outbox).where(o.command == command, o.sent_at.is_(None), o.due.is_(None)).values(due=now)
    if not connection.execute(again).rowcount:
        connection.execute(insert(t.outbox).values(kind="command", command=command, queued_at=now, due=now))


def reserve_number(connection: Connection, now: Instant) -> int:
    """Take a number of the outbox for a command that is to be known by it before it is kept."""
    number: int = connection.execute(
        insert(t.outbox).values(kind="command", queued_at=now).returning(t.outbox.c.id)
    ).scalar_one()
    return number


def give_number(connection: Connection, number: int, command: int) -> None:
    """Say which command a reserved number is that of."""
    connection.execute(update(t.outbox).where(t.outbox.c.id == number).values(command=command))


def unsent_commands(
    connection: Connection, now: Instant, limit: int = 1000, *, claimed: list[int] | None = None
) -> list[CommandSending]:
    """Give commands that are to be handed to the carrier, oldest first; of those `claimed`, where they are given."""
    o, c, r, d = t.outbox, t.command, t.request, t.device
    query = (
        select(
            o.c.id,
            o.c.command,
            func.coalesce(d.c.hub, c.c.hub).label("hub"),  # where the device is now
            c.c.device,
            c.c.signed,
            d.c.device_type,
            r.c.request_id,
        )
        .join(c, c.c.id == o.c.command)
        .join(r, r.c.id == c.c.request)
        .join(d, d.c.eui == c.c.device)
        .where(these_or_due(claimed, now))
        .order_by(o.c.id)
        .limit(limit)
    )
    return [
        CommandSending(
            id=row.id,
            command=row.command,
            hub=Eui64.from_signed(row.hub),
            device=Eui64.from_signed(row.device),
            device_type=DeviceType(row.device_type),
            signed=row.signed,
            request_id=RequestId.parse(row.request_id),
        )
        for row in connection.execute(query)
    ]


def commands(connection: Connection, *, party: Eui64 | None, limit: int = 100) -> Sequence[Row[Any]]:
    """Give commands, newest first: of one User, or of all."""
    r = t.request.c
    query = (
        select(t.command, r.request_id, r.variant, r.service_reference, t.party.c.name.label("party_name"))
        .join(t.request, r.id == t.command.c.request)
        .outerjoin(t.party, t.party.c.eui == t.command.c.user)
        .order_by(t.command.c.id.desc())
        .limit(limit)
    )
    return connection.execute(query if party is None else query.where(t.command.c.user == party.signed)).all()
