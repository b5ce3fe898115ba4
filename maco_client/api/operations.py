"""The operations of the API as a table: the routes are made from it, and so is the OpenAPI document."""

from __future__ import annotations

from maco_client.api import check_shapes, shapes
from maco_client.api.sending_operations import SENDING_OPERATIONS
from maco_client.settings.fields import NAME_CHARACTERS
from maco_http.operations import Operation, Query, TextQuery, deadlines

LONGEST_POLL_S = 600.0
"""How long a request waits for polls; they go on when it gives up."""

LONGEST_CHECK_S = 600.0

HIGHEST_ID = 2**63 - 1

_BODY = (413, 415, 422, 504)
_CONNECTION = TextQuery("connection", "Only what came by this e-mail connection; without it all.")

OPERATIONS: tuple[Operation, ...] = (
    Operation("key_store", "/api/keystore", "Whom MaCo trusts, with expiry, fingerprints and warnings.",
              shapes.KeyStore),
    Operation("import_certificates", "/api/keystore", "Import certificates, PEM or DER; several in one PEM too.",
              shapes.KeyStore, method="POST", request="certificate", refusals=(409, 500, *_BODY),
              queries=(TextQuery("alias", "The alias; those behind the first get it with a number: root, root-2, …",
                                 default=None),),
              description="The answer has the new entries. One that cannot be verified is taken with a warning. "
                          f"At most 10240 bytes each; aliases have at most {NAME_CHARACTERS} characters."),
    Operation("key_store_entry", "/api/keystore/{alias}", "One entry.", shapes.KeyStoreEntry, refusals=(404,)),
    Operation("export_certificate", "/api/keystore/{alias}/pem", "One entry as PEM.", "certificate", refusals=(404,)),
    Operation("delete_certificate", "/api/keystore/{alias}", "Trust a certificate no longer.", shapes.Done,
              method="DELETE", refusals=(404, 500)),
    Operation("credentials", "/api/credentials", "The security material, without secrets.", shapes.Credentials),
    Operation("add_credential", "/api/credentials", "Add security material.", shapes.Credential,
              method="POST", request=shapes.CredentialRequest, refusals=(409, 500, *_BODY)),
    Operation("change_credential", "/api/credentials/{name}", "Change user or secret.", shapes.Credential,
              method="PATCH", request=shapes.CredentialChange, refusals=(404, 500, *_BODY)),
    Operation("delete_credential", "/api/credentials/{name}", "Delete security material that nobody refers to.",
              shapes.Done, method="DELETE", refusals=(404, 409, 500)),
    Operation("servers", "/api/servers", "The e-mail servers.", shapes.EmailServers),
    Operation("add_server", "/api/servers", "Add an e-mail server.", shapes.EmailServer,
              method="POST", request=shapes.EmailServerRequest, refusals=(409, 500, *_BODY)),
    Operation("change_server", "/api/servers/{name}", "Change an e-mail server.", shapes.EmailServer,
              method="PATCH", request=shapes.EmailServerChange, refusals=(404, 500, *_BODY)),
    Operation("delete_server", "/api/servers/{name}", "Delete an e-mail server that nobody refers to.",
              shapes.Done, method="DELETE", refusals=(404, 409, 500)),
    Operation("connections", "/api/connections", "The e-mail connections, their traps and their newest polls.",
              shapes.EmailConnections),
    Operation("add_connection", "/api/connections", "Add an e-mail connection; it is polled by its schedule.",
              shapes.EmailConnection, method="POST", request=shapes.EmailConnectionRequest,
              refusals=(409, 500, *_BODY)),
    Operation("connection", "/api/connections/{name}", "One e-mail connection.", shapes.EmailConnection,
              refusals=(404,)),
    Operation("change_connection", "/api/connections/{name}", "Change an e-mail connection, from its next poll on.",
              shapes.EmailConnection, method="PATCH", request=shapes.EmailConnectionChange,
              refusals=(404, 500, *_BODY)),
    Operation("delete_connection", "/api/connections/{name}", "Delete an e-mail connection; its mails stay.",
              shapes.Done, method="DELETE", refusals=(404, 500)),
    *SENDING_OPERATIONS,
    Operation("poll", "/api/poll", "Poll now, and answer when all polls have ended.", shapes.PollResults,
              method="POST", request=shapes.PollRequest, refusals=(404, *_BODY), deadline_s=LONGEST_POLL_S),
    Operation("running_polls", "/api/polls", "The polls that run now, and how far they are.", shapes.RunningPolls),
    Operation("inbox", "/api/inbox", "The mails of the inbox, oldest first.", shapes.Inbox,
              queries=(_CONNECTION, Query("after", "Only mails with a higher number.", 0, HIGHEST_ID),
                       Query("limit", "How many at most.", 100, shapes.MOST_MAILS, 1))),
    Operation("inbox_mailbox", "/api/inbox.mbox", "All mails as one mbox file.", "mailbox", queries=(_CONNECTION,),
              deadline_s=LONGEST_POLL_S),
    Operation("mail", "/api/inbox/{id}", "One mail, read by the settings of its e-mail connection.", shapes.Message,
              refusals=(404,)),
    Operation("raw_mail", "/api/inbox/{id}/raw", "One mail as it was received.", "mail", refusals=(404,)),
    Operation("locks", "/api/locks", "The locks that polls hold, the newest first.", shapes.Locks),
    Operation("release_lock", "/api/locks", "Release a lock: the next poll need not wait for its timeout.", shapes.Done,
              method="DELETE", refusals=(404,), queries=(
                  TextQuery("host", "The host of the lock.", default=None),
                  TextQuery("user", "Its user name.", default=None),
                  TextQuery("folder", "Its folder.", default=None))),
    Operation("test_imap", "/api/tests/imap", "Log in as a poll does, and look what there is; nothing is fetched.",
              check_shapes.ImapCheck, method="POST", request=check_shapes.ImapCheckRequest, refusals=(404, *_BODY),
              deadline_s=LONGEST_CHECK_S),
    Operation("test_tls", "/api/tests/tls", "Shake hands with a server that begins with TLS.", check_shapes.TlsCheck,
              method="POST", request=check_shapes.TlsCheckRequest, refusals=_BODY, deadline_s=LONGEST_CHECK_S),
    Operation("test_connector", "/api/tests/connector", "Ask whether there is a Cloud Connector with a location ID.",
              check_shapes.ConnectorCheck, method="POST", request=check_shapes.ConnectorCheckRequest, refusals=_BODY,
              deadline_s=LONGEST_CHECK_S),
    Operation("metrics", "/metrics", "Figures for Prometheus, in its text format.", "text"),
    Operation("openapi", "/api/openapi.json", "This document.", "document"),
)  # fmt: skip

DEADLINES = deadlines(OPERATIONS)
