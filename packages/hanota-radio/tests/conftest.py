"""Settings of these tests."""

import pytest
import structlog


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """A command that ran within a test leaves logs set up for a stream that is closed by then."""
    structlog.reset_defaults()
