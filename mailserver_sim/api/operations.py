"""The operations of the API as a table: the routes are made from it, and so is the OpenAPI document."""

from __future__ import annotations

from maco_http.operations import Operation, Query, TextQuery, deadlines
from mailserver_sim.api import shapes
from mailserver_sim.api.shapes import MAX_MESSAGES, MAX_WAIT_S
from mailserver_sim.store.values import INBOX

HIGHEST_UID = 2**32 - 1
"""RFC 3501, section 2.3.1.1: a UID is a 32-bit value."""

MARGIN_S = 10.0

_USER = TextQuery("user", "Whose mailboxes.", default=None)
_MAILBOX = TextQuery("mailbox", "The mailbox.", default=INBOX)
_AFTER_UID = Query("after_uid", "Only messages with a higher UID.", 0, HIGHEST_UID)
_WANTED = (
    TextQuery("subject", "A text that occurs in the subject; upper and lower case are the same."),
    TextQuery("from", "A text that occurs in From or Sender."),
    TextQuery("to", "A text that occurs in To, Cc or Bcc."),
    _AFTER_UID,
)

OPERATIONS: tuple[Operation, ...] = (
    Operation("accounts", "/api/accounts", "The users with their addresses.", shapes.Accounts),
    Operation("mailboxes", "/api/mailboxes", "The mailboxes of a user.", shapes.Mailboxes,
              queries=(_USER,), refusals=(404,)),
    Operation("messages", "/api/messages", "Messages of a mailbox: all, or those that are meant.", shapes.Messages,
              queries=(_USER, _MAILBOX, *_WANTED, Query("limit", "How many at most.", 50, MAX_MESSAGES)),
              refusals=(404,)),
    Operation("message", "/api/messages/{uid}", "One message, parsed.", shapes.WholeMessage,
              queries=(_USER, _MAILBOX), refusals=(404,)),
    Operation("raw_message", "/api/messages/{uid}/raw", "One message as it was accepted.", "mail",
              queries=(_USER, _MAILBOX), refusals=(404,)),
    Operation("wait", "/api/wait", "Wait until there is such a message; 404 when none has come in time.",
              shapes.Message, refusals=(404,), deadline_s=MAX_WAIT_S + MARGIN_S,
              queries=(TextQuery("user", "Whose mailbox; without it any user's."), _MAILBOX, *_WANTED,
                       Query("timeout_s", "How many seconds to wait.", 10, MAX_WAIT_S))),
    Operation("deliver", "/api/messages", "Put a mail into a mailbox, as it is.", shapes.Delivered,
              method="POST", request="mail", queries=(_USER, _MAILBOX), refusals=(404, 413, 415, 504)),
    Operation("reset", "/api/reset", "Drop every connection, every message and every mailbox but the INBOXes.",
              shapes.Done, method="POST", request=shapes.ResetRequest, refusals=(413, 415, 422, 504)),
    Operation("faults", "/api/faults", "The faults that were armed, and how often each has struck.", shapes.Faults),
    Operation("break_at", "/api/faults", "Let the server misbehave at a step.", shapes.Faults,
              method="POST", request=shapes.FaultRequest, refusals=(409, 413, 415, 422, 504)),
    Operation("heal", "/api/faults", "Let the server misbehave no more.", shapes.Faults, method="DELETE"),
    Operation("openapi", "/api/openapi.json", "This document.", "document"),
)  # fmt: skip

DEADLINES = deadlines(OPERATIONS)
