"""Turns a layout into a reader and a writer: straight-line functions over precompiled `struct.Struct`s.

Source text is generated once per variant, as `dataclasses` and `namedtuple` do it, because a hub answers six-figure
numbers of blocks a second and must not walk descriptions while it does. Generated code only finds out *that* something
is wrong; `diagnosis` then walks the description to say *what*. A value's class is frozen, and what may set its fields
all the same is slow: a value is filled while it is of an open class with the same slots, and then takes its own class.
For an Image Block Request without options the text is

    def read_variant(octets, at):
        start = at
        try:
            lead_field_control, f_manufacturer, f_image_type, …, = unpack_0(octets, at)
            at += 14
        except unreadable:
            refuse(octets, start)
        value = new(blank)
        value.manufacturer = f_manufacturer
        …
        value.__class__ = frozen
        return value, at
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from hanota.wire.layout.plan import UNFIT, UNREADABLE, Field, Plan

Read = Callable[[bytes, int], tuple[Any, int]]
Write = Callable[[Any], bytes]


def make_reader(plan: Plan, refuse: Callable[[bytes, int], NoReturn]) -> Read:
    """Make `(octets, at) -> (value, end)`. What can't be read goes to `refuse`, which raises."""
    if plan.rule is None:
        return _read_variant(plan, None, refuse)
    readers = {key: _read_variant(plan, key, refuse) for key in plan.keys}
    other = _read_variant(plan, None, refuse) if plan.rule == "status" else refuse
    offset, code = plan.key_place()
    unpack_key = struct.Struct(plan.order + code).unpack_from

    def read_at(octets: bytes, at: int) -> tuple[Any, int]:
        try:
            (key,) = unpack_key(octets, at + offset)
        except UNREADABLE:
            refuse(octets, at)
        return readers.get(key, other)(octets, at)

    return read_at


def make_writer(plan: Plan, refuse: Callable[[Any], NoReturn]) -> Write:
    """Make `value -> octets`. What can't be written goes to `refuse`, which raises."""
    if plan.rule is None:
        return _write_variant(plan, None, refuse)
    writers = {key: _write_variant(plan, key, refuse) for key in plan.keys}
    other = _write_variant(plan, None, refuse)
    key_of = plan.key_of

    def write(value: Any) -> bytes:
        return writers.get(key_of(value), other)(value)

    return write


def _read_variant(plan: Plan, key: int | None, refuse: Callable[[bytes, int], NoReturn]) -> Read:
    names: dict[str, Any] = {
        "new": object.__new__,
        "blank": _unfrozen(plan.value_type),
        "frozen": plan.value_type,
        "unreadable": UNREADABLE,
        "refuse": refuse,
    }
    tries, stores = [], []
    for index, run in enumerate(_runs(plan, key)):
        form = struct.Struct(plan.order + run.codes)
        if run.numbers:
            names[f"unpack_{index}"] = form.unpack_from
            tries += [f"{', '.join(run.numbers)}, = unpack_{index}(octets, at)", f"at += {form.size}"]
        if run.variable:
            end = "len(octets)" if run.variable.kind.rest else f"at + {run.numbers[-1]}"
            tries += [f"end = {end}", f"f_{run.variable.name} = octets[at:end]", "at = end"]
            tries += ["if at > len(octets):", "    refuse(octets, start)"]
    for field in plan.fields:
        there = plan.present(field, key)
        if there and field.kind.load:
            names[f"load_{field.name}"] = field.kind.load
            tries.append(f"f_{field.name} = load_{field.name}({', '.join(_numbers(field))})")
        stores.append(f"value.{field.name} = {f'f_{field.name}' if there else None}")
    faults = [f"lead_{lead.name} != {plan.number(lead, key)}" for lead in plan.lead if lead.role != "key"]
    body = ["start = at", "try:", *(f"    {line}" for line in tries), "except unreadable:", "    refuse(octets, start)"]
    body += [f"if {' or '.join(faults)}:", "    refuse(octets, start)"] if faults else []
    body += ["value = new(blank)", *stores, "value.__class__ = frozen", "return value, at"]
    return _function("read_variant(octets, at)", body, names)


def _unfrozen(value_type: type[Any]) -> type[Any]:
    """Make a class like a frozen slotted one, whose fields may be set; its instances can take the frozen class."""
    return type(value_type.__name__, (), {"__slots__": value_type.__slots__})


def _write_variant(plan: Plan, key: int | None, refuse: Callable[[Any], NoReturn]) -> Write:
    names: dict[str, Any] = {"unfit": UNFIT, "refuse": refuse}
    lines, faults, parts = [], [], []
    sources = {f"lead_{lead.name}": str(plan.number(lead, key)) for lead in plan.lead}
    for field in plan.fields:
        source = f"value.{field.name}"
        if not plan.present(field, key):
            faults.append(f"{source} is not None")
            continue
        if field.kind.dump:
            names[f"dump_{field.name}"] = field.kind.dump
            source = f"*dump_{field.name}({source})"
        if field.kind.variable:
            lines.append(f"f_{field.name}, = [{source}]")
            source = f"len(f_{field.name})"
        if field.kind.codes.endswith("s"):  # struct would cut or pad
            faults.append(f"len({source}) != {field.kind.codes[:-1]}")
        sources[_numbers(field)[0]] = source
    for index, run in enumerate(_runs(plan, key)):
        names[f"pack_{index}"] = struct.Struct(plan.order + run.codes).pack
        parts.append(f"pack_{index}({', '.join(sources[name] for name in run.numbers if name in sources)})")
        parts += [f"f_{run.variable.name}"] if run.variable else []
    if faults:
        lines += [f"if {' or '.join(faults)}:", "    refuse(value)"]
    body = ["try:", *(f"    {line}" for line in [*lines, f"return {' + '.join(parts)}"])]
    return _function("write_variant(value)", [*body, "except unfit:", "    refuse(value)"], names)


@dataclass(frozen=True, slots=True)
class _Run:
    """Numbers that one `struct.Struct` takes at once, and the field of unforeseen length that may follow them."""

    codes: str
    numbers: list[str]
    variable: Field | None = None


def _runs(plan: Plan, key: int | None) -> list[_Run]:
    codes = "".join(lead.code for lead in plan.lead)
    numbers = [f"lead_{lead.name}" for lead in plan.lead]
    runs = []
    for field in plan.fields:
        if not plan.present(field, key):
            continue
        codes += field.kind.codes
        numbers += [] if field.kind.rest else _numbers(field)
        if field.kind.variable:
            runs.append(_Run(codes, numbers, field))
            codes, numbers = "", []
    return [*runs, _Run(codes, numbers)] if codes else runs


def _numbers(field: Field) -> list[str]:
    """Local names for what stands for a field: one, or e.g. f_request_0, _1, _2 for "QQQ"."""
    codes = field.kind.codes
    if len(codes) <= 1 or codes.endswith("s"):
        return [f"f_{field.name}"]
    return [f"f_{field.name}_{index}" for index in range(len(codes))]


def _function(signature: str, body: list[str], names: Mapping[str, object]) -> Callable[..., Any]:
    scope = dict(names)
    text = "\n    ".join([f"def {signature}:", *body])
    exec(text, scope)  # noqa: S102 - the text is made above from our own dataclasses, never from input
    made = scope[signature.partition("(")[0]]
    assert callable(made)
    return made
