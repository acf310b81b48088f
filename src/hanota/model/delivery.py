"""The delivery: one image to one device under one request, as states, events, deadlines and who owes the next step.

Source: design 3 "Delivery"; GBCS 11.4, 11.6 for transfer and activation; R10, R22 for deadlines and confirmation.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hanota.model.lifecycle import lifecycle


class State(StrEnum):
    """States of a delivery; the name is what the store keeps."""

    REQUESTED = "REQUESTED"
    QUEUED = "QUEUED"
    ON_WAN = "ON_WAN"
    HELD = "HELD"
    TRANSFERRING = "TRANSFERRING"
    TRANSFERRED = "TRANSFERRED"
    CONSENT = "CONSENT"
    ACTIVATING = "ACTIVATING"
    ACTIVATED = "ACTIVATED"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    WAN_FAILED = "WAN_FAILED"
    DISCARDED = "DISCARDED"
    TRANSFER_FAILED = "TRANSFER_FAILED"
    HARDWARE_MISMATCH = "HARDWARE_MISMATCH"
    REFUSED = "REFUSED"
    ACTIVATION_FAILED = "ACTIVATION_FAILED"
    VERSION_MISMATCH = "VERSION_MISMATCH"
    UNCONFIRMED = "UNCONFIRMED"
    RESPONSIBILITY_LOST = "RESPONSIBILITY_LOST"
    DEVICE_GONE = "DEVICE_GONE"


ENDS: Final = frozenset(
    {
        State.CONFIRMED,
        State.REJECTED,
        State.EXPIRED,
        State.CANCELLED,
        State.WAN_FAILED,
        State.DISCARDED,
        State.TRANSFER_FAILED,
        State.HARDWARE_MISMATCH,
        State.REFUSED,
        State.ACTIVATION_FAILED,
        State.VERSION_MISMATCH,
        State.UNCONFIRMED,
        State.RESPONSIBILITY_LOST,
        State.DEVICE_GONE,
    }
)

# Reports may overtake each other, so a state also takes the reports of the states before and behind it:
# what was skipped is implied, what comes afterwards is kept and moves nothing back.
DELIVERY: Final = lifecycle(
    "delivery",
    start=State.REQUESTED,
    terminal=tuple(sorted(ENDS)),
    table="""
    REQUESTED                         scheduled             QUEUED
    REQUESTED                         segments_missing      EXPIRED              # R7: some never came
    REQUESTED|QUEUED                  responsibility_lost   RESPONSIBILITY_LOST  # R16: judged again at release
    ON_WAN|HELD|TRANSFERRING          responsibility_lost   RESPONSIBILITY_LOST  # R16: meters and HCALCS at any time,
    TRANSFERRED                       responsibility_lost   RESPONSIBILITY_LOST  # others until a hub holds the image
    REQUESTED|QUEUED                  rejected              REJECTED             # facts changed since acceptance
    REQUESTED|QUEUED|ON_WAN           displaced             DISCARDED            # R12 own: its sender's later image
    HELD|TRANSFERRING                 displaced             DISCARDED            # for the same meter comes instead
    QUEUED                            released              ON_WAN               # the order is in the hub's outbox
    ON_WAN                            order_accepted        ON_WAN               # the hub has a slot for it
    ON_WAN                            hub_busy              ON_WAN               # no slot now: ordered again later
    HELD                              order_accepted        HELD
    TRANSFERRING                      order_accepted        TRANSFERRING
    TRANSFERRED                       order_accepted        TRANSFERRED
    ON_WAN                            image_held            HELD                 # N60: hash as in the signed order
    TRANSFERRING                      image_held            TRANSFERRING         # N60 overtaken
    TRANSFERRED                       image_held            TRANSFERRED
    ACTIVATING                        image_held            ACTIVATING
    ACTIVATED                         image_held            ACTIVATED
    ON_WAN|HELD|TRANSFERRING          transfer_progressed   TRANSFERRING
    TRANSFERRED                       transfer_progressed   TRANSFERRED          # final counts
    ACTIVATING                        transfer_progressed   ACTIVATING
    ACTIVATED                         transfer_progressed   ACTIVATED
    ON_WAN|HELD|TRANSFERRING          transferred           TRANSFERRED          # N62: CCS08 code 0
    ACTIVATED                         transferred           ACTIVATED            # N62 overtaken by CS09
    QUEUED                            transferred           TRANSFERRED          # its hub was swapped meanwhile;
    QUEUED                            activation_succeeded  ACTIVATED            # the device's own word counts
    QUEUED                            activation_failed     ACTIVATION_FAILED
    TRANSFERRED|CONSENT               consent_asked         CONSENT              # R27; again after a deferral
    ON_WAN|HELD|TRANSFERRING          consent_asked         CONSENT              # CCS08 overtaken
    TRANSFERRED|CONSENT               consent_deferred      CONSENT
    ON_WAN|HELD|TRANSFERRING          consent_deferred      CONSENT
    TRANSFERRED|CONSENT               consent_given         ACTIVATING           # the hub calls for it now
    ON_WAN|HELD|TRANSFERRING          consent_given         ACTIVATING
    ACTIVATING                        consent_asked         ACTIVATING           # overtaken by what followed
    ACTIVATING                        consent_deferred      ACTIVATING
    ACTIVATING                        consent_given         ACTIVATING
    ACTIVATED                         consent_asked         ACTIVATED
    ACTIVATED                         consent_deferred      ACTIVATED
    ACTIVATED                         consent_given         ACTIVATED
    CONSENT                           transferred           CONSENT              # N62 overtaken
    ACTIVATING                        transferred           ACTIVATING
    CONSENT                           order_accepted        CONSENT
    CONSENT                           image_held            CONSENT
    CONSENT                           transfer_progressed   CONSENT
    TRANSFERRED|CONSENT               activation_due        ACTIVATING           # the hub calls for it
    ON_WAN|HELD|TRANSFERRING          activation_succeeded  ACTIVATED            # CS09 overtook CCS08
    TRANSFERRED|CONSENT|ACTIVATING    activation_succeeded  ACTIVATED            # N39: CS09 code 0
    ON_WAN|HELD|TRANSFERRING          activation_failed     ACTIVATION_FAILED
    TRANSFERRED|CONSENT|ACTIVATING    activation_failed     ACTIVATION_FAILED    # N39: CS09 code 1
    ACTIVATING                        activation_found      ACTIVATED            # CS09 lost: its version was read
    TRANSFERRED                       activation_found      ACTIVATED            # by whomever commanded: read
    TRANSFERRED                       image_missing         DISCARDED            # CS06 code 1: held no more
    ACTIVATED                         version_matched       CONFIRMED            # R22
    ACTIVATED                         version_differed      VERSION_MISMATCH     # R22, N49
    ACTIVATED                         deadline_passed       UNCONFIRMED          # R22: no report
    ACTIVATING                        deadline_passed       UNCONFIRMED
    ON_WAN                            wan_failed            WAN_FAILED           # N61
    ON_WAN                            deadline_passed       WAN_FAILED           # N61
    HELD|TRANSFERRING                 deadline_passed       EXPIRED
    TRANSFERRED|CONSENT               deadline_passed       EXPIRED
    REQUESTED|QUEUED                  deadline_passed       EXPIRED
    ON_WAN|HELD|TRANSFERRING          discarded             DISCARDED            # N62: CCS08 code 1
    TRANSFERRED|CONSENT               discarded             DISCARDED
    ON_WAN|HELD|TRANSFERRING          hardware_mismatched   HARDWARE_MISMATCH    # N62: CCS08 code 2
    ON_WAN|HELD|TRANSFERRING          transfer_failed       TRANSFER_FAILED      # N62: CCS08 code 3
    TRANSFERRED|CONSENT               consumer_refused      REFUSED              # R27; CCS08 code 1 comes after it
    ON_WAN|HELD|TRANSFERRING          consumer_refused      REFUSED
    REQUESTED|QUEUED|ON_WAN           cancelled             CANCELLED
    HELD|TRANSFERRING                 cancelled             CANCELLED
    REQUESTED|QUEUED|ON_WAN|HELD      device_gone           DEVICE_GONE
    TRANSFERRING|TRANSFERRED|CONSENT  device_gone           DEVICE_GONE
    ACTIVATING|ACTIVATED              device_gone           DEVICE_GONE
    ON_WAN|HELD|TRANSFERRING          hub_swapped           QUEUED               # the only way back; the new hub
    TRANSFERRED|CONSENT               hub_swapped           QUEUED               # has to ask the consumer anew
    """,
)

CONSENT_REPORTS: Final = ("consent_asked", "consent_deferred", "consent_given", "consumer_refused")
"""Events of what a consumer was asked and answered (R27)."""

OF_THE_REGISTRY: Final = frozenset({"device_gone", "hub_swapped"})
"""Events that only the registry tells a delivery, when its home changes: no message of a hub or device means them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a state waits for: who owes it, what it is in plain words, and the policy field of its deadline."""

    owed_by: str
    expects: str
    deadline: str


EXPECTATIONS: Final[dict[State, Expectation]] = {
    State.REQUESTED: Expectation(
        owed_by="Supplier",
        expects="the other segments of its image; in one piece it is queued at once",
        deadline="requested_ms",
    ),
    State.QUEUED: Expectation(owed_by="DCC", expects="release to the wide-area network", deadline="queued_ms"),
    State.ON_WAN: Expectation(owed_by="CSP", expects="the hub to hold the image", deadline="on_wan_ms"),
    State.HELD: Expectation(owed_by="device", expects="the device to start fetching the image", deadline="held_ms"),
    State.TRANSFERRING: Expectation(owed_by="device", expects="the last block", deadline="transferring_ms"),
    State.TRANSFERRED: Expectation(owed_by="hub", expects="activation to be called for", deadline="transferred_ms"),
    State.CONSENT: Expectation(owed_by="consumer", expects="an answer on the device's screen", deadline="consent_ms"),
    State.ACTIVATING: Expectation(owed_by="device", expects="its activation report", deadline="activating_ms"),
    State.ACTIVATED: Expectation(owed_by="device", expects="its version read after settling", deadline="activated_ms"),
}
"""Every state that is not an end has one, so that nothing is ever silently stuck (design 3)."""
