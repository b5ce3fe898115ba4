"""tshark reads a capture of both ways: with keys it shows IMAP inside TLS and the mail, without keys it does not.

Both files are made from the same bytes. The cloud network's port 20004 is none that tshark knows, so it is told by
``-d``, as docs/capture.md tells users; 143 and 993 it knows.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from maco_lab.background import background_loop
from maco_lab.capture import write_capture
from maco_lab.capture_run import named_servers
from maco_lab.journal import Journal
from maco_lab.lab_matrix import matrix_of_poll
from maco_lab.sight import HOPS
from maco_lab.state import StateFolder
from maco_lab.taps.chunk import TapEnd
from maco_lab.taps.matrix import Cell, Matrix
from maco_lab.testing.lab import new_authority
from maco_lab.testing.settings import lab_text
from maco_lab.topology import running_lab
from tests.programs import require_program

pytestmark = [pytest.mark.real, pytest.mark.slow]

DEADLINE_S = 50.0
DECODE_AS = ("-d", "tcp.port==20004,imap", "-d", "tls.port==20004,imap")
CHECK = ("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE")
WAYS = ("way-a", "way-b")
SERVER_PORTS = {"20004", "20011", "143", "993"}
WARNING = "_ws.expert.severity >= 0x00600000"  # PI_WARN of Wireshark's epan/proto.h


@dataclass(frozen=True)
class Captures:
    """Two files of the same bytes, what was planted in each way, where the matrix has it, and the ends.

    Planted are its password and MaCo's token, as they are sent, and a line of its mail.
    """

    with_keys: Path
    without_keys: Path
    planted: dict[str, dict[str, str]]
    matrices: dict[str, Matrix]
    ends: tuple[TapEnd, ...]


def as_sent(user: str, password: str) -> str:
    """Return a password as it is on the wire: RFC 4616, in Base64."""
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Captures:
    folder = tmp_path_factory.mktemp("captures")
    file = lab_text(None).parsed()
    landscape = running_lab(
        file,
        StateFolder(folder / "state"),
        Journal(),
        free_ports=True,
        cast=new_authority(),
        tapped=True,
    )
    loop = background_loop()
    with loop.enter(landscape) as lab:
        loop.run(lab.seed_mail())
        assert [loop.run(lab.maco.poll(way)).stored for way in WAYS] == [1, 1]
        assert lab.taps is not None
        key_log = lab.taps.keys.lines()
        token = loop.run(lab.token())
        planted = {
            way: {
                "mailbox password": as_sent(each.user, each.password.value),
                "line in a mail": each.mail_line.value,
                "token": token,
            }
            for way, each in zip(WAYS, lab.canaries, strict=True)
            if each.password
        }
        matrices = {way: matrix for way in WAYS if (matrix := loop.run(matrix_of_poll(lab, way)))}
    wiretap = lab.taps.wiretap()
    made = Captures(folder / "with.pcapng", folder / "without.pcapng", planted, matrices, wiretap.ends)
    write_capture(made.with_keys, wiretap, named_servers(lab, wiretap), key_log)
    write_capture(made.without_keys, wiretap, named_servers(lab, wiretap))
    return made


def tshark(file: Path, *arguments: str) -> list[str]:
    """Return the lines that tshark prints of ``file``; it must understand all of it."""
    done = subprocess.run(
        [require_program("tshark"), "-r", str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "appears to have been cut short" not in done.stderr
    return done.stdout.splitlines()


def packets(file: Path, filtered: str, field: str = "frame.interface_name") -> Counter[str]:
    """Count the packets that pass a display filter, by one of their fields."""
    return Counter(tshark(file, *DECODE_AS, "-Y", filtered, "-T", "fields", "-e", field))


def hops_with(file: Path, secret: str) -> set[str]:
    """Return the hops where tshark finds ``secret``, on the wire or in what it could decrypt."""
    places = ("tcp.payload", "tls", "imap", "data.data")
    return set(packets(file, " or ".join(f'{place} contains "{secret}"' for place in places)))


def test_there_are_packets_on_each_hop_and_every_connection_has_both_its_ends_names(captures: Captures) -> None:
    named = Counter(
        tshark(captures.without_keys, "-N", "n", "-T", "fields", "-e", "frame.interface_name", "-e", "ip.host")
    )

    assert {tuple(each.split("\t")) for each in named} == {
        ("cloud network", "maco,connectivity-service"),
        ("cloud network", "connectivity-service,maco"),
        ("tunnel", "cloud-connector,connectivitytunnel.lab.example"),
        ("tunnel", "connectivitytunnel.lab.example,cloud-connector"),
        ("customer LAN", "cloud-connector,mail.stadtwerke.example"),
        ("customer LAN", "mail.stadtwerke.example,cloud-connector"),
    }


def test_checksums_are_right(captures: Captures) -> None:
    status = Counter(
        tshark(captures.with_keys, *CHECK, "-T", "fields", "-e", "ip.checksum.status", "-e", "tcp.checksum.status")
    )

    assert set(status) == {"1\t1"}  # Wireshark: 0 bad, 1 good, 2 not checked


def test_nothing_is_lost_or_out_of_order_or_malformed(captures: Captures) -> None:
    told = tshark(captures.with_keys, *CHECK, "-q", "-z", "expert")

    assert any(line.startswith("Chats") for line in told)
    assert [line for line in told if line.startswith("Errors")] == []
    assert packets(captures.with_keys, f"{WARNING} and not tcp.flags.reset == 1") == Counter()
    assert packets(captures.with_keys, "tcp.analysis.flags") == Counter()


def test_each_connection_ends_as_it_did_and_by_the_side_that_ended_it(captures: Captures) -> None:
    fields = ("frame.interface_name", "tcp.srcport", "tcp.flags.reset")
    arguments = [argument for field in fields for argument in ("-e", field)]
    filtered = "tcp.flags.fin == 1 or tcp.flags.reset == 1"
    shown = tshark(captures.without_keys, "-Y", filtered, "-T", "fields", "-E", "separator=|", *arguments)

    expected = Counter((end.connection.hop, end.from_client, end.how == "reset") for end in captures.ends)
    found = [line.split("|") for line in shown]
    assert Counter((hop, port not in SERVER_PORTS, is_set in {"1", "True"}) for hop, port, is_set in found) == expected
    assert len({end.connection for end in captures.ends if end.connection.hop != "tunnel"}) == 2 * len(WAYS)
    assert ("cloud network", True, False) in expected, "behind its LOGOUT MaCo ends in order"


def test_with_keys_there_is_imap_inside_tls_on_the_cloud_network_and_the_lan(captures: Captures) -> None:
    commands = packets(captures.with_keys, 'tls and imap.request.command == "AUTHENTICATE"')

    assert commands == {"cloud network": 1, "customer LAN": 2}  # way A on both, way B on the LAN alone


def test_without_keys_there_is_no_imap_inside_tls_on_any_hop(captures: Captures) -> None:
    assert packets(captures.without_keys, "tls and imap") == Counter()
    assert set(packets(captures.without_keys, "tls")) == {"cloud network", "tunnel", "customer LAN"}


def test_without_keys_a_login_is_seen_on_the_cloud_network_by_way_b_alone(captures: Captures) -> None:
    assert packets(captures.without_keys, 'imap.request.command == "AUTHENTICATE"') == {"cloud network": 1}


def found_by_tshark(cell: Cell) -> tuple[bool, bool]:
    """Return whether tshark must find without keys, and with them, what the matrix has on a wire.

    What is inside a session inside another one (way A in the tunnel) it does not: Wireshark opens the tunnel's TLS, and
    does not take apart MaCo's inside it.
    """
    assert cell.state != "unknown", cell.why
    return cell.state == "in clear", cell.state == "in clear" or len(cell.inside) == 1


@pytest.mark.parametrize("secret", ["mailbox password", "line in a mail", "token"])
@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_found_exactly_where_the_matrix_has_it(captures: Captures, way: str, secret: str) -> None:
    planted, row = captures.planted[way][secret], captures.matrices[way].row(secret)

    without_keys, with_keys = (hops_with(file, planted) for file in (captures.without_keys, captures.with_keys))
    assert {hop: (hop in without_keys, hop in with_keys) for hop in HOPS} == {
        hop: found_by_tshark(row.at(hop)) for hop in HOPS
    }
    assert "cloud network" in with_keys, "tshark was asked for what it can find"


def test_the_matrix_that_is_compared_has_every_kind_of_cell(captures: Captures) -> None:
    rows = [row for matrix in captures.matrices.values() for row in matrix.rows]
    cells = {(row.at(hop).state, len(row.at(hop).inside)) for row in rows for hop in HOPS}

    assert cells == {("in clear", 0), ("inside TLS", 1), ("inside TLS", 2), ("not there", 0)}


def test_the_mail_itself_is_shown_on_the_lan_with_keys_alone(captures: Captures) -> None:
    assert packets(captures.with_keys, "imf")["customer LAN"] == 2
    assert packets(captures.without_keys, "imf")["customer LAN"] == 0


def test_the_tunnels_handshake_is_read_with_keys(captures: Captures) -> None:
    assert packets(captures.with_keys, "http.response.code == 101") == {"tunnel": 1}
    assert packets(captures.without_keys, "http") == Counter()


def test_every_display_filter_of_the_page_finds_packets(captures: Captures) -> None:
    page = (Path(__file__).parents[2] / "docs/capture.md").read_text(encoding="utf-8")
    filters = re.findall(r"^\| [^|`]+ \| `([^`]+)` \|$", page, re.MULTILINE)

    assert len(filters) == 6
    assert [each for each in filters if not packets(captures.with_keys, each)] == []
