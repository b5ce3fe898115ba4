"""Keep a cast in a folder, for people and for parties that run in processes of their own.

For each authority and member: ``NAME.pem`` (the certificate and what is sent after it), ``NAME.der``, ``NAME.key``
(PKCS#8) and, on request, ``NAME.p12``; beside them ``cast.json``, which makes the folder ours. Its rule: a folder
appears complete or not at all. Everything is written into a hidden sibling folder and renamed into place; files that
are not ours are never touched. Folder 0700, private keys 0600. POSIX only, by ``flock``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from certs.authority import CLOCK_TOLERANCE, Authority, Issued
from certs.cast import Cast
from certs.exceptions import ForeignFolderError, UnreadableCastError
from certs.keys import load_key
from certs.manifest import MANIFEST, Manifest
from certs.plans import AUTHORITIES, MEMBERS

SHARED_FOR = dt.timedelta(days=60)
"""How long a kept cast is used again: well within the 90 days of its mail server."""

PUBLIC_MODE = 0o644
PRIVATE_MODE = 0o600

SUBACCOUNT_PREFIX = "subaccount_"

FileKind = Literal["pem", "der", "key", "p12"]


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One file of a cast: whose it is, where, of which kind, and whether it must stay private."""

    name: str
    kind: FileKind
    path: Path

    @property
    def private(self) -> bool:
        """Whether the file holds a private key (a PKCS#12 file is always treated as if it did)."""
        return self.kind in ("key", "p12")


def write_cast(
    cast: Cast, folder: Path, *, pkcs12_password: str | None = None, replace: bool = False
) -> list[WrittenFile]:
    """Issue the whole cast and keep it in ``folder``; return the files that are there afterwards.

    A cast that is there already stays, unless ``replace`` is set: of several processes that write at once, one wins
    and the others get its files (``share_cast`` also hands them its cast). Without a password no PKCS#12 is written.

    Raises ForeignFolderError, with nothing changed, if the folder holds anything that was not written here; ValueError
    for an empty password; OSError as the file system does.
    """
    return _write(cast, folder, pkcs12_password, keep=lambda _: not replace)


def read_cast(folder: Path) -> Cast:
    """Return the cast that is kept in ``folder``; it issues what it lacks. Raises UnreadableCastError."""
    folder = folder.resolve()
    try:
        with _alone(folder.parent):
            return _read(folder)
    except (OSError, ValueError, KeyError) as error:
        raise UnreadableCastError(folder, f"holds no complete set of certificates ({error})") from error


def share_cast(cast: Cast, folder: Path) -> Cast:
    """Return the cast that all processes with the same settings share through ``folder``.

    It is the one kept there if it was made from the same host names and kind of key, no more than 60 days before
    ``cast``; otherwise ``cast`` takes its place. Raises as ``write_cast`` does.
    """
    if not _suits(cast, folder):
        _write(cast, folder, None, keep=lambda found: _suits(cast, found))
    return read_cast(folder)


def _write(cast: Cast, folder: Path, pkcs12_password: str | None, keep: Callable[[Path], bool]) -> list[WrittenFile]:
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # mkdtemp creates with mode 0700
    try:
        _fill(draft, cast, pkcs12_password)
        with _alone(folder.parent):
            _put_in_place(draft, folder, keep)
            return [WrittenFile(*_name_and_kind(file), folder / file) for file in Manifest.read(folder).files]
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # the losing draft, or the cast that this one replaced


def _put_in_place(draft: Path, folder: Path, keep: Callable[[Path], bool]) -> None:
    """Rename ``draft`` to ``folder``, unless a cast is there that is to be kept. Call it under ``_alone``."""
    try:
        draft.rename(folder)  # takes the place of an empty folder as well
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        _refuse_strangers(folder)
        if not keep(folder):
            _swap(draft, folder)


def _swap(draft: Path, folder: Path) -> None:
    """Exchange the two folders, so that the caller removes the old cast as it would remove its draft."""
    between = draft.with_name(draft.name + "-old")
    folder.rename(between)
    try:
        draft.rename(folder)
    except OSError:
        between.rename(folder)
        raise
    between.rename(draft)


def _fill(draft: Path, cast: Cast, pkcs12_password: str | None) -> None:
    authorities = cast.all_authorities()
    holders = {name: authority.identity for name, authority in authorities.items()}
    holders |= cast.all_members()
    subaccounts = cast.issued_subaccounts()
    holders |= {SUBACCOUNT_PREFIX + name: issued for name, issued in subaccounts.items()}
    contents: dict[str, bytes] = {}
    for name, issued in holders.items():
        contents[f"{name}.pem"] = issued.chain_pem()
        contents[f"{name}.der"] = issued.certificate.public_bytes(Encoding.DER)
        contents[f"{name}.key"] = issued.key_pem()
        if pkcs12_password is not None:
            contents[f"{name}.p12"] = (
                trust_store(issued.certificate, name, pkcs12_password)
                if name in authorities
                else issued.pkcs12(name, pkcs12_password)
            )
    for file, content in contents.items():
        _write_file(draft / file, content)
    manifest = Manifest(cast.settings, tuple(contents), tuple(subaccounts))
    _write_file(draft / MANIFEST, manifest.to_json())


def trust_store(certificate: x509.Certificate, name: str, password: str) -> bytes:
    """Return a PKCS#12 trust store for Java with this one certificate and no key; ValueError for an empty password."""
    entry = pkcs12.PKCS12Certificate(certificate, name.encode())
    return pkcs12.serialize_java_truststore([entry], BestAvailableEncryption(password.encode()))


def _write_file(path: Path, content: bytes) -> None:
    mode = PRIVATE_MODE if path.suffix in (".key", ".p12") else PUBLIC_MODE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _read(folder: Path) -> Cast:
    manifest = Manifest.read(folder)
    names = {Path(file).stem for file in manifest.files}
    holders = {name: _read_issued(folder, name) for name in sorted(names)}
    subaccounts = {name: holders.pop(SUBACCOUNT_PREFIX + name) for name in manifest.subaccounts}
    authorities = {
        name: Authority(holders.pop(name), manifest.settings.now) for name in sorted(names & set(AUTHORITIES))
    }
    return Cast.restore(manifest.settings, authorities, holders, subaccounts)


def _read_issued(folder: Path, name: str) -> Issued:
    certificate, *chain = x509.load_pem_x509_certificates((folder / f"{name}.pem").read_bytes())
    key = load_key((folder / f"{name}.key").read_bytes())
    if key.public_key() != certificate.public_key():
        raise ValueError(f"{name}.key does not belong to {name}.pem")
    return Issued(certificate, key, tuple(chain))


def _suits(cast: Cast, folder: Path) -> bool:
    try:
        manifest = Manifest.read(folder)
    except (OSError, ValueError):
        return False
    kept, names = manifest.settings, {Path(file).stem for file in manifest.files}
    wanted = cast.settings
    same = (kept.key_type, kept.mail_host, kept.tunnel_host) == (wanted.key_type, wanted.mail_host, wanted.tunnel_host)
    same = same and names >= {*AUTHORITIES, *MEMBERS}  # an older version knew fewer
    # Two processes take their moments before they meet here: the kept one may be a little younger than ours.
    return same and -CLOCK_TOLERANCE <= wanted.now - kept.now <= SHARED_FOR


def _refuse_strangers(folder: Path) -> None:
    if not folder.exists():
        return
    present = {entry.name for entry in folder.iterdir()}
    try:
        ours = {MANIFEST, *Manifest.read(folder).files}
    except (OSError, ValueError):
        ours = set()
    if present - ours:
        raise ForeignFolderError(folder, present - ours)


def _name_and_kind(file: str) -> tuple[str, FileKind]:
    path = Path(file)
    match path.suffix:
        case ".pem":
            return path.stem, "pem"
        case ".der":
            return path.stem, "der"
        case ".key":
            return path.stem, "key"
        case _:
            return path.stem, "p12"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Exclude all others that keep casts below ``folder``: for renaming and reading only, both brief."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # releases the lock
