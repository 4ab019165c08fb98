"""Timers and counters of the matching by their names in ISO 15118-3, Tables 3, 12 and 13. Seconds, unless the name says otherwise.

Source: docs/sources/iso15118.md 6. What no standard names stands at the end, marked as a rule of the project.
"""

from __future__ import annotations

TT_EVSE_SLAC_INIT_DC_S = 40.0
"""Waiting for a car's first message after 5 % came on. The standard allows 20 to 50 s."""

TT_EVSE_SLAC_INIT_AC_S = 20.0
"""The same at an AC outlet: many AC cars have no modem, and shall not wait longer than they must."""

TT_MATCH_SEQUENCE_S = 0.4
"""From CM_SLAC_PARM.CNF to the car's first CM_START_ATTEN_CHAR.IND."""

TT_EVSE_MATCH_MNBC_S = 0.6
"""From the first CM_START_ATTEN_CHAR.IND to the end of the sounds."""

SOUNDS_TIMEOUT_100MS = 6
"""TT_EVSE_match_MNBC as CM_SLAC_PARM.CNF names it: in units of 100 ms."""

C_EV_MATCH_MNBC = 10
"""The sounds that a car sends in one matching."""

C_EV_START_ATTEN_CHAR_INDS = 3
"""The CM_START_ATTEN_CHAR.IND that a car sends in one matching."""

TP_EV_BATCH_MSG_INTERVAL_S = 0.02
"""Between two of a car's messages in a row. The standard allows 20 to 50 ms."""

TT_EV_ATTEN_RESULTS_S = 1.2
"""A car waits this long, from its first sound, for the stations' CM_ATTEN_CHAR.IND."""

TT_MATCH_RESPONSE_S = 0.2
"""Waiting for the answer to a message that has one."""

C_EV_MATCH_RETRY = 2
"""So many times a message without its answer is sent again."""

TT_EVSE_MATCH_SESSION_S = 10.0
"""From CM_ATTEN_CHAR.RSP to CM_VALIDATE.REQ or CM_SLAC_MATCH.REQ."""

TT_MATCH_JOIN_S = 12.0
"""From CM_SLAC_MATCH.CNF to the link between both modems."""

TT_MATCHING_RATE_S = 0.4
"""A car whose matching failed begins again after this time."""

TT_MATCHING_REPETITION_S = 10.0
"""A car begins again for so long; after that the matching has failed."""

T_STEP_EF_S = 4.0
"""The pilot shows E or F for at least this long before the matching is tried again (Table 3)."""

C_SEQU_RETRY = 2
"""So many times the station tries a failed matching again."""

T_VALD_STATE_DURATION_S = (0.2, 0.4)
"""One half of a BCB toggle: how long the car stays in C (Table 3)."""

TOGGLES_WITHIN_S = 3.5
"""The one to three toggles of a car fit into this time (TT_EVSE_vald_toggle at its longest)."""

TOGGLES_MAX = 3

# Rules of the project

SOUNDING_MARGIN_S = 0.045
"""After the last sound or the time-out the modem may still deliver profiles; other stations wait this long, too."""

KEY_ANSWER_S = 0.5
"""Waiting for the modem's answer to its key."""

KEY_CHECK_S = 1.0
"""A modem restarts its network with a new key. It is asked for so long whether the network is the new one."""

KEY_CHECK_EVERY_S = 0.2

KEY_ATTEMPTS = 4
"""After so many attempts without success the modem is reported."""

KEY_RETRY_S = 5.0
"""After that report the key is tried again this often: a modem may boot late."""

LINK_POLL_JOINING_S = 0.1
LINK_POLL_S = 1.0
"""The modem is asked this often whether the link is there: while a car joins, and later."""

LINK_LOST_S = 3.0
"""The modem reports no link for so long before the link counts as lost."""
