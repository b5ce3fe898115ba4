"""The file of a backup: a ZIP archive whose one content is encrypted by a password. Pure, but for chance.

The product's format is not public; this is ours. ``backup.json`` says what it takes to decrypt ``configuration``: the
key is derived by scrypt (RFC 7914), the content is AES-256-GCM, and all of ``backup.json`` is authenticated with it.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from connector_sim.admin.records import Kind, Record

FORMAT = "maco-lab backup"
VERSION = 1
MANIFEST, CONTENT = "backup.json", "configuration"
SCRYPT = {"n": 2**15, "r": 8, "p": 1}
"""32 MiB and a tenth of a second for each guess; a file with other values is not read: they may be an attack."""

KEY_BYTES, SALT_BYTES, NONCE_BYTES = 32, 16, 12
MOST_MANIFEST_BYTES = 4096
MOST_CONTENT_BYTES = 64 * 1024 * 1024
MOST_FILE_BYTES = 16 * 1024 * 1024
"""Beyond this no backup is made, because none is read: more than a hundred thousand mappings."""


class BackupError(Exception):
    """A backup cannot be read; the text says why."""


class NoBackup(BackupError):
    """A file is something else."""

    def __init__(self) -> None:
        super().__init__("it is no backup of this product")


def write_backup(records: Iterable[Record], password: str) -> bytes:
    """Return the file of a backup. Takes a tenth of a second and more. Raises BackupError for too much."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    manifest = json.dumps(
        {"format": FORMAT, "version": VERSION, "scrypt": SCRYPT, "salt": salt.hex(), "nonce": nonce.hex()}, indent=1
    ).encode()
    rows = [[each.kind, each.subaccount, each.name, each.content] for each in records]
    content = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    if len(content) > MOST_CONTENT_BYTES:
        raise BackupError(f"it would hold more than {MOST_CONTENT_BYTES} bytes")
    plain = zlib.compress(content)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr(MANIFEST, manifest)
        written.writestr(CONTENT, AESGCM(_key(password, salt)).encrypt(nonce, plain, manifest))
    file = archive.getvalue()
    if len(file) > MOST_FILE_BYTES:
        raise BackupError(f"it would have more than {MOST_FILE_BYTES} bytes")
    return file


def read_backup(file: bytes, password: str) -> list[Record]:
    """Return the records of a backup. Raises BackupError, also for another password."""
    manifest, content = _parts(file)
    try:
        stated: dict[str, Any] = json.loads(manifest)
        if (stated["format"], stated["scrypt"]) != (FORMAT, SCRYPT):
            raise NoBackup
        if stated["version"] > VERSION:
            raise BackupError(f"it was made by a newer version (format {stated['version']}, this one knows {VERSION})")
        key = _key(password, bytes.fromhex(stated["salt"]))
        plain = AESGCM(key).decrypt(bytes.fromhex(stated["nonce"]), content, manifest)
        return [Record(Kind(kind), name, content, at) for kind, at, name, content in json.loads(_inflated(plain))]
    except InvalidTag as error:
        raise BackupError("the password is wrong, or the file was changed") from error
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise NoBackup from error


def _parts(file: bytes) -> tuple[bytes, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            return _part(archive, MANIFEST, MOST_MANIFEST_BYTES), _part(archive, CONTENT, len(file))
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise NoBackup from error


def _part(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a part, never more than ``most`` bytes of it, whatever the archive says."""
    with archive.open(name) as part:
        content = part.read(most + 1)
    if len(content) > most:
        raise NoBackup
    return content


def _inflated(plain: bytes) -> bytes:
    inflate = zlib.decompressobj()
    content = inflate.decompress(plain, MOST_CONTENT_BYTES)
    if not inflate.eof:
        raise BackupError(f"it holds more than {MOST_CONTENT_BYTES} bytes")
    return content


def _key(password: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, **SCRYPT).derive(password.encode())
