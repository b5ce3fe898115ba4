"""What every field of every kind of the journal means, with its unit: a table, by kind and field.

The JSON Schema and ``docs/journal.md`` are made from it; a field of ``maco_wire.observation`` that is not here, or one
here that is no field, fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping

LINE_FIELDS: Mapping[str, str] = {
    "v": "Version of this schema (schema_version).",
    "n": "Number of the entry, from 1 without gaps in each run of a lab.",
    "t": "When it was observed, in seconds since 1970-01-01T00:00:00Z, to the microsecond.",
    "kind": "What was observed.",
}

COMMON_FIELDS: Mapping[str, str] = {
    "party": "Who observed it.",
    "trace_id": "The connection, as the SOCKS5 proxy named it; the same on both sides of the tunnel.",
    "local": "The party's own end of the socket on which it was seen.",
    "peer": "The other end of that socket.",
    "system": "Which Cloud Connector, by its name in the lab file; `impostor` for one in the mail server's place.",
}

CERTIFICATE_FIELDS: Mapping[str, str] = {
    "subject": "Distinguished name of the subject (RFC 4514).",
    "issuer": "Distinguished name of the issuer (RFC 4514).",
    "fingerprint": "SHA-256 of the DER encoding, in lower-case hex.",
    "dns_names": "DNS names of the subject's alternative names.",
    "not_before": "Begin of the validity, ISO 8601 in UTC.",
    "not_after": "End of the validity, ISO 8601 in UTC.",
}

_TARGET: Mapping[str, str] = {
    "virtual_host": "Virtual host that was asked for.",
    "virtual_port": "Virtual port that was asked for.",
    "subaccount": "Subaccount of the token.",
    "location_id": "Location ID that was asked for; left out if there is none.",
}
_TUNNEL: Mapping[str, str] = {
    "subaccount": "Subaccount of the tunnel.",
    "location_id": "Location ID of the tunnel; left out if it has none.",
}
_MAIL: Mapping[str, str] = {
    "uid": "UID of the mail in its mailbox (RFC 3501, section 2.3.1.1).",
    "size": "Size of the mail in bytes.",
    "subject": "Subject of the mail, shortened.",
}

FIELDS: Mapping[str, Mapping[str, str]] = {
    "handshake": {
        "session": "Which TLS session, by what it protects.",
        "role": "The part that this party played in it.",
        "succeeded": "Whether this end takes the session for established.",
        "version": "TLS version that was agreed on.",
        "cipher": "Cipher suite that was agreed on, by OpenSSL's name.",
        "server_name": "Server name that the client asked for (SNI).",
        "peer_chain": "Certificates that the peer presented, its own first.",
        "verified_against": "Store that vouched for the peer; left out if this end did not verify it.",
        "name_checked": "Name that the peer's certificate was compared with, if it was.",
        "client_certificate": "Certificate that this end presented as a client, by its name.",
        "error": "Why it failed, in this end's words.",
        "verify_code": "OpenSSL's number of the verification error.",
        "alert_sent": "TLS alert that this end sent (RFC 8446, section 6).",
        "alert_received": "TLS alert that this end received.",
        "java_alert": "TLS alert that Java, and so the real MaCo, would send for this certificate.",
    },
    "token_refused": {"reason": "Why the token was refused; never the token."},
    "stream_opened": {
        **_TARGET,
        "internal_host": "Internal host of the mapping; the Cloud Connector alone knows it.",
        "internal_port": "Internal port of the mapping.",
        "protocol": "Protocol of the mapping: TCP or TCPS.",
        "back_end": "Local and peer address of the Cloud Connector's connection to the mail server.",
    },
    "stream_refused": {
        **_TARGET,
        "reason": "The rule that refused it, or the step that failed.",
        "reply": "SOCKS5 reply code (RFC 1928, section 6, and SAP's own).",
        "nearest": "Mapping that may have been meant.",
        "rule": "Rule of the Cloud Connector that refused it; left out if a step failed.",
    },
    "connection_checked": {
        "internal_host": "Internal host of the mapping that was checked.",
        "internal_port": "Internal port that was tried.",
        "protocol": "Protocol of the mapping: TCP or TCPS.",
        "reachable": "Whether everything went well.",
        "reason": "The step that the check came to; reachable if it came to its end.",
        "text": "What came of it, and what would help.",
        "peer_chain": "Certificates that the server sent, its own first; left out where no TLS was tried.",
    },
    "stream_closed": {
        "bytes_to_mail_server": "Bytes of payload that this party passed on to the mail server.",
        "bytes_to_maco": "Bytes of payload that this party passed on to MaCo.",
        "ended_by": "How the connection ended.",
    },
    "socket_closed": {
        "bytes_sent": "Bytes that this end sent on the TCP connection, with SOCKS5 and TLS, if its system tells.",
        "bytes_received": "Bytes that this end received on the TCP connection, likewise.",
        "peer_ended": "Whether the peer had ended its direction before; if not, bytes may have come that nobody read.",
    },
    "tunnel_state": {
        "state": "State of the tunnel, as the Cloud Connector's own API names it.",
        **_TUNNEL,
        "reason": "Why it changed.",
    },
    "tunnel_connections": {
        **_TUNNEL,
        "up": "How many TLS connections of the tunnel are up now.",
        "configured": "How many TLS connections the tunnel is to have.",
        "reason": "Why one was lost, or could not be dialled.",
    },
    "ha_state": {
        "role": "The part that this Cloud Connector plays.",
        "state": "State of the pair, as SAP's own API names it.",
        "reason": "Why it changed.",
    },
    "canary_seen": {
        "canary": "Number of the planted secret; its value is nowhere.",
        "name": "What kind of secret it is, and whose.",
        "direction": "Which way it went.",
        "encoding": "How it was written: plain, base64 or quoted-printable.",
    },
    "client_hello_passed": {
        "server_name": "Server name in the ClientHello (SNI).",
        "offset": "Bytes that had passed in that direction before it.",
    },
    "starttls": {
        "protocol": "Protocol in which TLS was to begin.",
        "step": "The step that was seen.",
        "role": "The part that this party played in it.",
        "detail": "What is special about the step.",
    },
    "login": {
        "protocol": "Protocol of the login.",
        "role": "The part that this party played in it.",
        "user": "User name; never the password.",
        "succeeded": "Whether the login was accepted.",
        "credentials_sent": "Whether bytes that carry the password or token were sent, in any form; a digest is none.",
        "in_clear": "Whether this party's own connection was without TLS.",
        "detail": "Why it was not accepted, or not tried.",
    },
    "fault_struck": {
        "step": "Where it struck, by the table of faults (docs/faults.md).",
        "hit": "For which time, from 1.",
    },
    "mail_accepted": {"account": "User of the mailbox.", "mailbox": "Mailbox that the mail is in.", **_MAIL},
    "mail_fetched": {
        "connection": "E-mail connection of MaCo, by its name in the lab file.",
        "folder": "Folder that the mail was fetched from.",
        "uid_validity": "UIDVALIDITY of the folder (RFC 3501, section 2.3.1.1); 0 by POP3.",
        **_MAIL,
        "already_known": "Whether the mail was in MaCo's inbox before.",
        "duplicate_of": "The number in the inbox of the first mail that was the same; absent if there is none.",
        "unique_id": "What the server calls the mail (RFC 1939, section 7, UIDL); `uid` is MaCo's own then.",
        "problems": "What is wrong with the mail itself; it is in the inbox nevertheless.",
    },
    "poll_finished": {
        "connection": "E-mail connection of MaCo, by its name in the lab file.",
        "succeeded": "Whether the poll went through to its end.",
        "stage": "The step at which it stopped; `done` if it went through.",
        "stored": "How many mails are new in MaCo's inbox.",
        "error": "What a MaCo user would read.",
        "hint": "The setting to look at.",
        "socks_status": "Status of SAP's authentication by token that refused it (method 0x80).",
        "socks_reply": "SOCKS5 reply code that refused it.",
        "alert_sent": "TLS alert that MaCo sent where it failed (RFC 8446, section 6).",
        "alert_received": "TLS alert that MaCo received where it failed.",
        "java_alert": "TLS alert that Java, and so the real MaCo, would have sent.",
        "java_text": "The line that the real MaCo would log, with the names of Java's classes, where error is not all.",
        "server_answer": "The mail server's own answer that made it fail, without its tag.",
        "duration_ms": "How long it took, in milliseconds.",
        "warnings": "What is allowed in the settings of the e-mail connection but rarely meant.",
    },
    "send_finished": {
        "connection": "Sending connection of MaCo, by its name in the lab file.",
        "succeeded": "Whether the mail server has taken the mail.",
        "outcome": "The same, or `unknown` where no answer came behind the whole mail.",
        "stage": "The step at which it stopped; `done` if it went through.",
        "recipients": "Whom the mail is for, blind copies too.",
        "refused": "Recipients that the mail server does not take, each with its answer.",
        "message_id": "Message-ID of the mail.",
        "size": "Bytes of the mail.",
        "answer": "What the mail server said when it took the mail.",
        "error": "What a MaCo user would read.",
        "hint": "The setting to look at.",
        "socks_status": "Status of SAP's authentication by token that refused it (method 0x80).",
        "socks_reply": "SOCKS5 reply code that refused it.",
        "alert_sent": "TLS alert that MaCo sent where it failed (RFC 8446, section 6).",
        "alert_received": "TLS alert that MaCo received where it failed.",
        "java_alert": "TLS alert that Java, and so the real MaCo, would have sent.",
        "java_text": "The line that the real MaCo would log, with the names of Java's classes, where error is not all.",
        "server_answer": "The mail server's own answer that made it fail.",
        "duration_ms": "How long it took, in milliseconds.",
        "warnings": "What is allowed in the settings of the sending connection but rarely meant.",
    },
    "maco_configured": {
        "entry": "What kind of entry.",
        "name": "Its name, or its alias in the key store.",
        "change": "What became of it.",
    },
    "party_process": {
        "state": "Whether the process was started, or ended without being told to.",
        "name": "Which party; a landscape may have several Cloud Connectors.",
        "pid": "Number of the process.",
        "reason": "How it ended: a signal or an exit code.",
    },
    "problem": {"text": "What went wrong."},
}
