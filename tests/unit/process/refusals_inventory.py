"""Documents that are refused: 8.2, 8.4 and 12.2. No test by itself."""

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceStatus
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.reasons import RequestReason
from hanota.records.store import schema as t
from hanota.wire.duis import DeleteDevice, DetailsUpdate, MpxnUpdate, StatusUpdate
from helpers.asking import DEVICE, ask_inventory, prenotification, update
from helpers.world import ESME, GSME, PPMID, PPMID_2, Bench
from unit.process.refusals import Bad

_R, _C = RequestReason, ResponseCode
INSTALLED = DeviceStatus.INSTALLED_NOT_COMMISSIONED
NUMBER_OF_HOME_3 = "1234567890123"
NEW_GPF = Eui64.parse("00-DB-12-34-56-78-90-B3")


def _announce(bench: Bench) -> None:
    assert bench.submit(prenotification()).code is ResponseCode.I0


def _one_post_code(bench: Bench) -> None:
    bench.change(t.premises, {"postcode": "TE1 1AA"})


INVENTORY = (
    Bad(_R.INVENTORY_NOT_FOUND, _C.E080201, lambda _: ask_inventory(device=DEVICE)),
    Bad(_R.INVENTORY_AMBIGUOUS, _C.E080202, lambda _: ask_inventory(address=("TE1 1AA", "Lane")), _one_post_code),
    Bad(_R.UPDATE_DEVICE_UNKNOWN, _C.E080405, lambda _: update(DEVICE, DeleteDevice())),
    Bad(_R.UPDATE_NOT_RESPONSIBLE, _C.E2, lambda _: update(PPMID_2, StatusUpdate(status=INSTALLED, hub=False))),
    Bad(_R.STATUS_OF_OTHER_KIND, _C.E080407, lambda _: update(PPMID, StatusUpdate(status=INSTALLED, hub=True))),
    Bad(_R.STATUS_NOT_REACHABLE, _C.E080406, lambda _: update(PPMID, StatusUpdate(status=INSTALLED, hub=False))),
    Bad(_R.VERSION_IS_REPORTED, _C.E080408, lambda _: update(PPMID, DetailsUpdate(firmware_version="00020000"))),
    Bad(_R.DETAILS_FIXED, _C.E080408, lambda _: update(PPMID, DetailsUpdate(model="00841112"))),
    Bad(_R.DETAILS_NOT_LISTED, _C.E080409, lambda _: update(DEVICE, DetailsUpdate(model="00849999")), _announce),
    Bad(_R.VERSION_UNREADABLE, _C.E080409, lambda _: update(DEVICE, DetailsUpdate(firmware_version="v1.0")), _announce),
    Bad(_R.VARIANT_NOT_ESME, _C.E080414, lambda _: update(PPMID, DetailsUpdate(esme_variant="A"))),
    Bad(_R.NOTHING_TO_UPDATE, _C.E080415, lambda _: update(PPMID, DetailsUpdate())),
    Bad(_R.DELETE_NOT_PENDING, _C.E080410, lambda _: update(PPMID, DeleteDevice())),
    Bad(_R.MPXN_NOT_A_METER, _C.E080411, lambda _: update(PPMID, MpxnUpdate(import_mpxn="1234567890199"))),
    Bad(_R.MPXN_MALFORMED, _C.E080412, lambda _: update(ESME, MpxnUpdate(import_mpxn="9876543211"))),
    Bad(_R.MPXN_TAKEN, _C.E080413, lambda _: update(ESME, MpxnUpdate(import_mpxn=NUMBER_OF_HOME_3))),
    Bad(_R.PRENOTIFIED_ALREADY, _C.E120201, lambda _: prenotification(GSME)),
    Bad(_R.PRENOTIFIED_NOT_LISTED, _C.E120203, lambda _: prenotification(model="00849999")),
    Bad(_R.PRENOTIFIED_GPF, _C.E120204, lambda _: prenotification(gpf=NEW_GPF)),
    Bad(_R.PRENOTIFIED_VARIANT, _C.E120207, lambda _: prenotification(esme_variant="A")),
)
