"""Mails that a server must describe: good ones, and what real senders make of MIME."""

from __future__ import annotations

import re

_HEADER = (
    "From: Netz GmbH <netz@nb.example>\n"
    "To: Stadtwerke <edifact@stadtwerke.example>\n"
    "Subject: {subject}\n"
    "Date: Tue, 03 Nov 2026 23:30:00 -0500\n"
    "Message-ID: <{id}@nb.example>\n"
)


def _mail(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("latin-1")


def _with(name: str, header: str, body: str) -> bytes:
    return _mail(_HEADER.format(subject=name, id=re.sub(r"\W+", ".", name)) + header + "\n" + body)


_ADDRESSES = """\
From: "Netz, GmbH" <netz@nb.example>, (comment) plain@nb.example (Plain Name)
Sender: <@relay.example,@other.example:sender@nb.example>
Reply-To: reply@nb.example
To: A Group: one@x.example, "Two" <two@x.example>;, undisclosed-recipients:;
Cc: local-only, "quo\\"ted" <"odd local"@x.example>
Bcc:
Subject: addresses
In-Reply-To: <plain@nb.example>
Message-ID: <addresses@nb.example>

text
"""

_MULTIPART = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"; x-kind=EDI

This is the preamble.
--outer
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: quoted-printable
Content-Language: de, en
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Location: http://nb.example/a
Content-ID: <one@nb.example>
Content-Description: first part

Z=C3=A4hlerstand

--outer
Content-Type: multipart/alternative; boundary=inner

--inner

no header
--inner
Content-Type: text/html

<p>hello</p>
--inner--

--outer
Content-Type: application/edifact; name="MSCONS.edi"
Content-Disposition: attachment; filename="MSCONS.edi"; size=4
Content-Transfer-Encoding: BASE64

VU5B
--outer--
epilogue
"""

_ENCLOSED = """\
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: message/rfc822
Content-Disposition: inline

From: inner@x.example
Subject: inner
Content-Type: multipart/alternative; boundary=i

--i
Content-Type: text/plain

inner one
--i
Content-Type: text/html

<p>inner two</p>
--i--

--b
Content-Type: message/rfc822

Subject: plain inside

inside text
--b--
"""

_DIGEST = """\
Content-Type: multipart/digest; boundary=d

--d

From: first@x.example
Subject: first of the digest

text of the first
--d
Content-Type: text/plain

no message
--d--
"""

_PARAMETERS = """\
Content-Type: application/octet-stream; name*=utf-8''Z%C3%A4hler.edi
Content-Disposition: attachment; filename*0*=utf-8''lange%20; filename*1*=Z%C3%A4hler; filename*2=.edi

data
"""

_QUOTED_PARAMETERS = """\
Content-Type: Text/Plain; Charset="us-ascii"; x="semi;colon \\"quoted\\""; (comment) y=1
Content-Disposition: ATTACHMENT; filename=two words.txt

text
"""

MAILS: dict[str, bytes] = {
    "plain": _with("plain", "", "one\ntwo\n"),
    "utf8": _with("=?utf-8?q?Z=C3=A4hlerst=C3=A4nde?=", "Content-Type: text/plain; charset=utf-8\n", "plain body\n"),
    "base64": _with(
        "base64", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n", "SGVsbG8gV2VsdA==\n"
    ),
    "addresses": _mail(_ADDRESSES),
    "multipart": _with("multipart", _MULTIPART.partition("\n\n")[0] + "\n", _MULTIPART.partition("\n\n")[2]),
    "enclosed": _with("enclosed", _ENCLOSED.partition("\n\n")[0] + "\n", _ENCLOSED.partition("\n\n")[2]),
    "message": _with("message", "Content-Type: message/rfc822\n", "Subject: in\nFrom: a@x.example\n\ninner\ntext"),
    "digest": _with("digest", _DIGEST.partition("\n\n")[0] + "\n", _DIGEST.partition("\n\n")[2]),
    "rfc2231": _with("rfc2231", _PARAMETERS.partition("\n\n")[0] + "\n", _PARAMETERS.partition("\n\n")[2]),
    "parameters": _with(
        "parameters", _QUOTED_PARAMETERS.partition("\n\n")[0] + "\n", _QUOTED_PARAMETERS.partition("\n\n")[2]
    ),
    "no final line end": _with("no final line end", "Content-Type: text/plain\n", "one\ntwo"),
    "no body": _with("no body", "", ""),
    "header alone": _mail("Subject: header alone\n"),
    "body alone": _mail("\nbody alone\n"),
    "text type alone": _with("text type alone", "Content-Type: text\n", "x\n"),
    "broken type": _with("broken type", "Content-Type: ;;\n", "x\n"),
    "html": _with("html", "Content-Type: TEXT/HTML\n", "<p>x</p>\n"),
    "no parts": _with("no parts", "Content-Type: multipart/mixed; boundary=none\n", "only a preamble\n"),
    "no boundary": _with("no boundary", "Content-Type: multipart/mixed\n", "--x\n\ntext\n--x--\n"),
    "unclosed": _with("unclosed", "Content-Type: multipart/mixed; boundary=u\n", "--u\n\nfirst\n--u\n\nsecond\n"),
    "empty part": _with("empty part", "Content-Type: multipart/mixed; boundary=e\n", "--e\n--e\n\n\n--e--\n"),
    "folded": _with("a subject\n that is folded\n\ttwice", "X-Long:\n  next line\n", "text\n"),
    "twice": _with("first subject", "Subject: second subject\nTo: second@x.example\n", "text\n"),
    "latin": _with("Z\xe4hler", "X-Latin: \xfc\n", "Z\xe4hler\n"),
    "bad date": _mail("Date: yesterday\nSubject: bad date\n\ntext\n"),
    "old": _mail("Date: 1 Jan 1999 00:00:00 +0000\nSubject: old\nFrom: old@x.example\n\nold text\n"),
    "reply": _mail(
        "Date: Wed, 04 Nov 2026 08:00:00 +0000\nSubject: Re: plain\nFrom: reply@x.example\nTo: netz@nb.example\n"
        "Cc: copy@x.example\nMessage-ID: <reply@x.example>\nReferences: <plain@nb.example>\n"
        "In-Reply-To: <plain@nb.example>\n\nreply text\n"
    ),
    "reply to the reply": _mail(
        "Date: Wed, 04 Nov 2026 09:00:00 +0000\nSubject: something else\nFrom: third@x.example\n"
        "Message-ID: <third@x.example>\nReferences: <plain@nb.example> <lost@x.example>\n <reply@x.example>\n\ntext\n"
    ),
    "orphan": _mail(
        "Date: Wed, 04 Nov 2026 10:00:00 +0000\nSubject: Re: lost\nFrom: fourth@x.example\n"
        "Message-ID: <fourth@x.example>\nReferences: <gone@x.example>\n\ntext\n"
    ),
    "other orphan": _mail(
        "Date: Wed, 04 Nov 2026 11:00:00 +0000\nSubject: Re: lost too\nFrom: fifth@x.example\n"
        "Message-ID: <fifth@x.example>\nIn-Reply-To: mail of <gone@x.example>\n\ntext\n"
    ),
    "forwarded": _mail(
        "Date: Wed, 04 Nov 2026 07:00:00 +0000\nSubject: [edi] Fwd: plain (fwd)\nFrom: a.last@x.example\n"
        "To: netz@nb.example\nMessage-ID: <forwarded@x.example>\n\nforwarded text\n"
    ),
}
