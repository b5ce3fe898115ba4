"""What an eavesdropper saw of a poll, read from the taps of a running lab and written out for the API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from maco_lab import lab_model
from maco_lab.maco_model import MaCo
from maco_lab.page import shapes
from maco_lab.page.landscape import Lab
from maco_lab.page.masking import Mask
from maco_lab.page.moments import Moment, Seen, moments_of
from maco_lab.page.wire_pieces import Piece
from maco_lab.taps.taps import Taps
from maco_wire.observation import Hop

NO_TAPS = (
    "The taps are off, so nothing was copied. Start the lab with `maco-lab up --tap`: it puts a wiretap without keys "
    "on each of the three networks."
)
_PRINTABLE = range(0x20, 0x7F)


async def hop_bytes(lab: Lab, connection: str, hop: Hop, *, offset: int, limit: int) -> shapes.HopBytes | None:
    """Return a page of what was seen; None if no poll of the e-mail connection has ended."""
    taps: Taps | None = getattr(lab, "taps", None)
    if taps is None:
        return shapes.HopBytes(
            connection=connection, tapped=False, why=NO_TAPS, hops=[], moments=0, offset=offset, shown=[]
        )
    entries, wiretap, keys, mask = lab.journal.view(after=0), taps.wiretap(), taps.keys.read(), mask_of(lab)
    found = await asyncio.get_running_loop().run_in_executor(
        None, moments_of, entries, connection, hop, wiretap, keys, mask
    )
    return _shape(connection, found, offset, limit) if found else None


def mask_of(lab: Lab) -> Mask:
    """Return what knows every secret of the lab file and of MaCo as it is now, and what was planted in mails."""
    planted = [account.mail_line.value for account in getattr(lab, "canaries", ())]
    return Mask([*_secrets(lab.file.model), *_secrets_of_maco(lab.maco.section), *planted])


def _secrets(model: lab_model.LabModel) -> Iterator[str]:
    for secret in (
        *(each.client_secret for each in model.cloud.clients),
        *(each.password for each in model.mail_server.accounts),
        *(token for each in model.mail_server.accounts for token in each.tokens),
    ):
        yield secret.get_secret_value()
    yield from _secrets_of_maco(model.maco)


def _secrets_of_maco(maco: MaCo) -> Iterator[str]:
    for each in maco.credentials:
        yield each.password.get_secret_value()
        yield each.access_token.get_secret_value()


def _shape(connection: str, seen: Seen, offset: int, limit: int) -> shapes.HopBytes:
    return shapes.HopBytes(
        connection=connection,
        tapped=True,
        why="",
        hops=[shapes.HopSeen(hop=hop, note=note) for hop, note in seen.notes.items()],
        moments=len(seen.moments),
        offset=offset,
        shown=[_moment(each) for each in seen.moments[offset : offset + limit]],
    )


def _moment(moment: Moment) -> shapes.Moment:
    return shapes.Moment(
        at=moment.at, here=[_piece(each) for each in moment.here], beside=[_piece(each) for each in moment.beside]
    )


def _piece(piece: Piece) -> shapes.Piece:
    hidden = {at for part in piece.hidden for at in part}
    return shapes.Piece(
        at=piece.at,
        to_mail_server=piece.to_mail_server,
        kind=piece.kind,
        session=piece.session,
        offset=piece.offset,
        size=piece.size,
        shown=len(piece.data),
        hidden=len(hidden),
        hex="".join("••" if at in hidden else f"{byte:02x}" for at, byte in enumerate(piece.data)),
        text="".join("•" if at in hidden else _character(byte) for at, byte in enumerate(piece.data)),
    )


def _character(byte: int) -> str:
    return chr(byte) if byte in _PRINTABLE else "."
