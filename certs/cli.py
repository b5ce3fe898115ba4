"""``python -m certs``: write the lab's certificates to a folder and say which system needs which file.

Ends with 0 when the files are written, with 2 when an argument or the folder is unfit; then nothing was changed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from certs.cast import MAIL_HOST, TUNNEL_HOST, Cast
from certs.exceptions import FolderError
from certs.files import WrittenFile, write_cast
from certs.guide import guide
from certs.keys import KEY_TYPES

PKCS12_PASSWORD = "changeit"  # noqa: S105 - the JDK's own default, published: a lab's key store guards nothing

EXIT_UNFIT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (by default the process's own) and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        cast = Cast(dt.datetime.now(dt.UTC), options.key_type, options.mail_host, options.tunnel_host)
        files = write_cast(cast, options.out, pkcs12_password=options.pkcs12_password, replace=True)
    except (FolderError, OSError, ValueError) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return EXIT_UNFIT
    sys.stdout.write(_report(options, files))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m certs",
        description="Write the lab's certificates, good and bad, as PEM, DER and PKCS#12.",
        epilog="A folder written by this command before is replaced: new keys, new root. Any other "
        "folder that is not empty is refused.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write, mode 0700")
    parser.add_argument("--key-type", choices=KEY_TYPES, default="ec", help="EC P-256 or RSA 2048 (default: ec)")
    parser.add_argument("--mail-host", default=MAIL_HOST, metavar="NAME", help="the mail server (default: %(default)s)")
    parser.add_argument(
        "--tunnel-host", default=TUNNEL_HOST, metavar="NAME", help="the tunnel endpoint (default: %(default)s)"
    )
    parser.add_argument(
        "--pkcs12-password",
        default=PKCS12_PASSWORD,
        type=_password,
        metavar="X",
        help="password of the .p12 files (default: %(default)s)",
    )
    return parser


def _password(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("a PKCS#12 file needs a password of one character or more")
    return text


def _report(options: argparse.Namespace, files: Sequence[WrittenFile]) -> str:
    given = options.pkcs12_password
    shown = f"{given} (a lab's default)" if given == PKCS12_PASSWORD else "the one given"
    private = sum(file.private for file in files)
    return "\n".join(
        (
            f"Certificates for {options.mail_host} in {options.out}",
            "",
            guide(),
            "",
            f"Password of the .p12 files: {shown}",
            f"{len(files)} files, {private} of them private (*.key, *.p12: mode 0600; folder: 0700).",
            "Import the root again wherever an earlier one was: every run makes new keys.",
            "",
        )
    )
