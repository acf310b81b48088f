"""How fast a hub lets images travel over its HAN: quiet hours, least block period, cap on the channel's use (R8).

The hub goes by its own sums: what each exchange of request and block costs on the air, over a sliding minute.
"""

from typing import Final, NamedTuple

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, Instant, zigbee_utc
from hanota.model.airtime import Window, airtime_us
from hanota.model.pacing import quiet_until
from hanota.model.policies import HanPolicy
from hanota.wire.zcl import ImageBlockResponse, OtaStatus

SPAN_MS: Final = MINUTE
HEADROOM: Final = 0.9  # of the cap, for notifies, queries and what is sent twice
REQUEST_OCTETS: Final = 19  # ZCL frame of an Image Block Request that states its period
RESPONSE_OCTETS: Final = 17  # likewise of an Image Block Response, without its data
_PERIOD_MAX: Final = 0xFFFF


class Wait(NamedTuple):
    """What a device is told instead of a block: until when to wait, and the least period from then on."""

    until: Instant
    period_ms: int

    def told(self, now: Instant) -> ImageBlockResponse:
        """Write it as WAIT_FOR_DATA (ZCL 11.13.8); seconds are rounded up."""
        at = zigbee_utc(now)
        wait_s = -((now - self.until) // 1000)
        return ImageBlockResponse(
            OtaStatus.WAIT_FOR_DATA, current_time=at, request_time=at + wait_s, min_block_period_ms=self.period_ms
        )


class Pace:
    """The pace of one hub's image traffic. Nothing of it outlives a restart: the sums start anew."""

    def __init__(self, policy: HanPolicy) -> None:
        self._policy = policy
        self._room_us = int(policy.occupancy_cap * SPAN_MS * 1000 * HEADROOM)
        self._exchange_us = airtime_us(REQUEST_OCTETS) + airtime_us(RESPONSE_OCTETS + policy.block_octets)
        self._taken = Window(SPAN_MS)
        self._asking: dict[int, Instant] = {}  # by the number of a device's EUI-64

    def quiet_until(self, now: Instant) -> Instant | None:
        """When the quiet hours end, None outside of them."""
        return quiet_until(now, self._policy.quiet_hours)

    def period_ms(self, now: Instant) -> int:
        """The least block period under which all devices that fetch now stay below the cap together."""
        return self._period_ms(sum(0 <= now - at < SPAN_MS for at in self._asking.values()))

    def _period_ms(self, fetching: int) -> int:
        fair = self._exchange_us * max(fetching, 1) / (self._policy.occupancy_cap * HEADROOM * 1000)
        return min(max(self._policy.min_block_period_ms, int(fair) + 1), _PERIOD_MAX)

    def hold(self, device: Eui64, stated_ms: int | None, now: Instant) -> Wait | None:
        """Say how long `device` has to wait for a block; None for not at all.

        Args: stated_ms: the least period that it says it keeps, None where it says none.
        """
        quiet = quiet_until(now, self._policy.quiet_hours)
        if quiet is not None:
            return Wait(quiet, self.period_ms(now))
        self._asking[device.value] = now
        room = self._taken.room_at(self._exchange_us, self._room_us, now)
        if room <= now and (stated_ms is None or stated_ms >= self._period_ms(len(self._asking))):
            return None  # it would be even if all that ever asked were fetching now
        period_ms = self.period_ms(now)
        if room > now or (stated_ms is not None and stated_ms < period_ms):
            return Wait(room, period_ms)
        return None

    def go(self, device: Eui64, stated_ms: int | None, cost_us: int, now: Instant) -> bool:
        """Count an exchange that plainly nothing holds up; False, and nothing counted, where `hold` has to judge."""
        if self._policy.quiet_hours is not None:
            return False
        self._asking[device.value] = now
        if stated_ms is not None and stated_ms < self._period_ms(len(self._asking)):
            return False
        return self._taken.add_within(self._room_us, self._exchange_us, cost_us, now)

    def count(self, now: Instant, *, asked: int, answered: int) -> None:
        """Count what was just on the air: ZCL octets of a request (0 for none) and of the answer to it."""
        self._taken.add(self.cost_us(asked=asked, answered=answered), now)

    def cost_us(self, *, asked: int, answered: int) -> int:
        """Give the time on air of a request with so many octets of ZCL (0 for none) and of the answer to it."""
        return (airtime_us(asked) if asked else 0) + airtime_us(answered)
