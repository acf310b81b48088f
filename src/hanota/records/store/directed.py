"""Statements that go from the rows of a set to those of a table, by an index of the table, whatever an engine thinks.

PostgreSQL plans by the figures that it took of a table a while ago. In a rollout they tell of yesterday: of a kind that
was rare a minute ago it believes that beginning with all rows of it is the shortest way, and then it goes through the
whole set for each of a hundred thousand. What is said here leaves it no other way; SQLite goes that way by itself. See
also what `postgres` tells each session, and docs/adr/0020.
"""

from typing import Any

from sqlalchemy import ColumnElement, Join, Table, and_, case, false, func, true


def from_staged(rows: Table, table: Table, *conditions: ColumnElement[bool]) -> Join:
    """Join a set with those rows of a table for which conditions hold: beginning with the set, as an outer join does.

    Rows of the set without any stay: see `is_there`.
    """
    return rows.outerjoin(table, and_(*conditions))


def is_there(key: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether an outer join found a row, whose `key` is never null; so said that it is not taken for an inner one."""
    return func.coalesce(key, 0) != 0


def only_checked(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Have a condition checked on rows that are found by another one: none is looked up by it."""
    return case((condition, true()), else_=false())
