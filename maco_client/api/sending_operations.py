"""The operations of the API on sending, as the part of its table that is about them."""

from __future__ import annotations

from maco_client.api import sending_shapes, shapes
from maco_http.operations import Operation, TextQuery

LONGEST_SEND_S = 600.0

_BODY = (413, 415, 422, 504)
_PATH = "/api/sending-connections"

SENDING_OPERATIONS: tuple[Operation, ...] = (
    Operation("sending_connections", _PATH, "The sending connections and their traps.",
              sending_shapes.SendingConnections),
    Operation("add_sending_connection", _PATH, "Add a sending connection.", sending_shapes.SendingConnection,
              method="POST", request=sending_shapes.SendingConnectionRequest, refusals=(409, 500, *_BODY)),
    Operation("sending_connection", f"{_PATH}/{{name}}", "One sending connection.", sending_shapes.SendingConnection,
              refusals=(404,)),
    Operation("change_sending_connection", f"{_PATH}/{{name}}", "Change a sending connection, from its next mail on.",
              sending_shapes.SendingConnection, method="PATCH", request=sending_shapes.SendingConnectionChange,
              refusals=(404, 500, *_BODY)),
    Operation("delete_sending_connection", f"{_PATH}/{{name}}", "Delete a sending connection.", shapes.Done,
              method="DELETE", refusals=(404, 500)),
    Operation("send", "/api/send", "Send the body of the request as a mail, and answer what became of it.",
              sending_shapes.SendAnswer, method="POST", request="payload", refusals=(404, *_BODY),
              deadline_s=LONGEST_SEND_S, queries=(
                  TextQuery("connection", "The sending connection.", default=None),
                  TextQuery("to", "Recipients in the place of To in the settings, with commas; Cc and Bcc stay."),
                  TextQuery("cc", "The same for Cc."),
                  TextQuery("bcc", "The same for Bcc."),
                  TextQuery("subject", "Another subject.")),
              description="A mail that the mail server does not take is answered with 200 too: `result` says where it "
                          "stopped. `outcome` is `unknown` where no answer came behind the whole mail."),
)  # fmt: skip
