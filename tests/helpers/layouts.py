"""Values of a layout for property tests, drawn from the layout's own description."""

import struct
from typing import Any

from hypothesis import strategies as st

from hanota.wire.layout import Layout
from hanota.wire.layout.kinds import Kind
from hanota.wire.layout.plan import Plan


def values_of(layout: Layout[Any]) -> st.SearchStrategy[Any]:
    """Give every value that the layout can write, with every combination of optional fields."""
    plan = layout.plan
    keys = st.sampled_from([*plan.keys, *([None] if plan.rule in (None, "status") else [])])
    return keys.flatmap(lambda key: _variant(plan, key))


def _variant(plan: Plan, key: int | None) -> st.SearchStrategy[Any]:
    fields = {field.name: _of_kind(field.kind) for field in plan.fields if plan.present(field, key)}
    if plan.rule == "status":
        load = plan.fields[0].kind.load
        assert load
        codes = st.integers(0, 255).filter(lambda code: code not in plan.keys) if key is None else st.just(key)
        fields["status"] = codes.map(load)
    return st.builds(plan.value_type, **fields)


def _of_kind(kind: Kind) -> st.SearchStrategy[Any]:
    if kind.variable:
        return st.binary(max_size=80) if kind.load is None else st.text(st.characters(max_codepoint=127), max_size=20)
    if kind.codes.endswith("s"):
        return st.binary(min_size=int(kind.codes[:-1]), max_size=int(kind.codes[:-1]))
    numbers = st.tuples(*(st.integers(0, (1 << 8 * struct.calcsize(f"<{code}")) - 1) for code in kind.codes))
    return numbers.map(lambda items: kind.load(*items) if kind.load else items[0])
