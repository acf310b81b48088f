"""How often a device may be updated: not before so many days after its last update was confirmed (R8)."""

from hanota.base.instant import DAY, HOUR, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import Policies, UpdatePolicy
from hanota.wire import duis
from helpers.premises import NEW
from helpers.world import PPMID, Bench, image, request


def test_a_device_is_updated_again_only_after_the_least_interval() -> None:
    bench = Bench(Policies(update=UpdatePolicy(min_interval_days=2)))
    bench.deliver()
    for event in ("image_held", "transfer_progressed", "transferred"):
        bench.tell(event)
    bench.tell("activation_succeeded", None, version=NEW)
    bench.run(after_ms=HOUR)
    bench.tell("version_read", None, version=NEW, result=0)
    assert bench.state() == "CONFIRMED"
    newer = image(600, NEW + 1)
    bench.certify(newer)
    again = {"image": newer, "firmware_version": f"{NEW + 1:08X}"}
    bench.now = Instant(bench.now + 2 * DAY - 1)
    answer = bench.submit(request(counter=2, **again))
    assert answer.code is ResponseCode("E110403")
    body = duis.read_response(duis.parse_safely(answer.octets)).body
    assert isinstance(body, duis.ResponseMessage)
    assert isinstance(body.content, duis.FirmwareWarning)
    assert {name.value: text for name, text in body.content.lists.items()} == {"OtherRequestInProgressList": str(PPMID)}
    bench.now = Instant(bench.now + 1)
    assert bench.submit(request(counter=3, **again)).code is ResponseCode.I0
