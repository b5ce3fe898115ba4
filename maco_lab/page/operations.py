"""The operations of the API as a table: the routes are made from it, and so is the OpenAPI document."""

from __future__ import annotations

from maco_http.operations import Operation, Query, deadlines
from maco_lab.page import shapes
from maco_lab.page.shapes import MAX_CONNECTIONS, MAX_ENTRIES, MAX_MOMENTS
from maco_lab.sight import HOPS

POLL_S = 120.0

_EVENTS = (
    "Each `entry` event has an entry of the journal as its data, and an ID. A client that comes back with its "
    "Last-Event-ID gets what it has missed: 500 entries at most, behind a `gap` event with the number of those left "
    "out. A stream without it begins with the newest entries. A `run` event at the start tells which run of the lab "
    "this is; "
    "after a restart of the lab the ID of an earlier run counts for nothing."
)


_LIMIT = Query("limit", "How many at most.", 50, MAX_CONNECTIONS)
_AFTER = Query("after", "The number of an entry; what is behind it is returned.", 0)
_HOP = Query("hop", "1 is the cloud network, 2 the tunnel, 3 the customer's LAN.", 1, len(HOPS), least=1)
_OFFSET = Query("offset", "How many moments to leave out.", 0)
_SWITCHED = (404, 409, 413, 415, 422, 504)

OPERATIONS: tuple[Operation, ...] = (
    Operation("landscape", "/api/landscape", "The systems, where they listen, and the e-mail connections.",
              shapes.Landscape),
    Operation("trust", "/api/trust", "All trust stores, and the certificates they may have to judge.",
              shapes.Trust, refusals=(500,)),
    Operation("tunnels", "/api/tunnels", "The tunnels with their state, and the mappings of each.", shapes.Tunnels),
    Operation("sights", "/api/sights", "What the newest poll of each e-mail connection showed: where TLS ended.",
              shapes.Sights),
    Operation("sight", "/api/sights/{email_connection}", "The same for one e-mail connection.",
              shapes.Sight, refusals=(404,)),
    Operation("hop", "/api/sights/{email_connection}/hop",
              "What an eavesdropper saw of that poll on one network, beside the same moments on the next one.",
              shapes.HopBytes, queries=(_HOP, _OFFSET, Query("limit", "How many moments at most.", 20, MAX_MOMENTS)),
              refusals=(404,)),
    Operation("connections", "/api/connections", "The newest connections through the landscape.",
              shapes.Connections, queries=(_LIMIT,)),
    Operation("timeline", "/api/connections/{id}", "One connection with everything that was observed of it.",
              shapes.Timeline, refusals=(404,)),
    Operation("journal", "/api/journal", "Entries of the journal, in order.", shapes.JournalPart,
              queries=(_AFTER, Query("limit", "How many at most.", 100, MAX_ENTRIES))),
    Operation("journal_schema", "/api/journal/schema", "The JSON Schema of an entry.", "document"),
    Operation("events", "/api/events", "The journal as a stream of server-sent events.", "events", deadline_s=None,
              description=_EVENTS),
    Operation("poll", "/api/poll", "Let MaCo poll now; returns when every poll has ended.", shapes.PollResults,
              method="POST", request=shapes.PollRequest, refusals=(404, 413, 415, 422, 504), deadline_s=POLL_S),
    Operation("send_mail", "/api/mails", "Send a sample market message to the mail server by SMTP.", shapes.MailSent,
              method="POST", request=shapes.MailRequest, refusals=(409, 413, 415, 422, 504), deadline_s=35.0),
    Operation("scenarios", "/api/scenarios", "The teaching scenarios, and which one is on.", shapes.Scenarios),
    Operation("switch_on", "/api/scenarios/{scenario}/on",
              "Make this mistake in the lab that runs; a scenario that is on is switched off before.",
              shapes.Scenarios, method="POST", request=shapes.SwitchRequest, refusals=_SWITCHED),
    Operation("switch_off", "/api/scenarios/{scenario}/off", "Let the lab run again as its file says.",
              shapes.Scenarios, method="POST", request=shapes.SwitchRequest, refusals=_SWITCHED),
    Operation("openapi", "/api/openapi.json", "This document.", "document"),
)  # fmt: skip

DEADLINES = deadlines(OPERATIONS)
