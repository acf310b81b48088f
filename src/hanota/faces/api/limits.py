"""How many rows one answer may have."""

from typing import Annotated, Final

from fastapi import Query

ROWS_MAX: Final = 500

Limit = Annotated[int, Query(ge=1, le=ROWS_MAX, description="At most so many rows")]
