"""Each error of a lab file is told by its place, and no text makes the reader fail in another way."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_sim.on_premise.port_range import PortRange
from maco_client.settings import Schedule
from maco_lab.lab_file import LabFile, LabFileError, default_text, find_lab_file, parse_lab
from maco_lab.lab_warnings import warnings
from maco_lab.maco_checks import schedules
from tests.faults.seeds import SOAK
from tests.pop3 import POP3_A, POP3_B, text_with_pop3

DEFAULT = default_text()
REPOSITORY = Path(__file__).resolve().parents[2]

HOST_PORTS = "host:port, as in mail.example.com:143, or host:low-high, as in ftp.example.com:1000-1010"
SUBACCOUNT = "cloud_connectors[0].subaccounts[0]"
MAPPING = f"{SUBACCOUNT}.mappings[1]"
STORE = "cloud_connectors[0].back_end_trust_store"
CONNECTIONS = "maco.email_connections"
VIRTUAL = "virtual: mailbox.virtual:993"
VIRTUAL_PLACE = "mailbox.virtual:993\n            i"


def parse(text: str) -> LabFile:
    return parse_lab(text, name="lab.yaml", folder=Path())


def errors(*changes: tuple[str, str], text: str = DEFAULT) -> list[str]:
    """Return the lines that are told of the default file after replacing text in it."""
    for old, new in changes:
        assert text.count(old) >= 1, f"the default file has no {old!r}"
        text = text.replace(old, new, 1)
    with pytest.raises(LabFileError) as caught:
        parse(text)
    return str(caught.value).splitlines()


def place_of(text: str, wanted: str) -> str:
    """Return line:column, counted from 1, of the first place of ``wanted``."""
    before = text[: text.index(wanted)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def test_the_built_in_file_is_valid() -> None:
    assert [each.name for each in parse(DEFAULT).model.maco.email_connections] == ["way-a", "way-b"]


def test_the_built_in_file_is_that_of_the_repository() -> None:
    assert (REPOSITORY / "lab.yaml").read_text(encoding="utf-8") == DEFAULT


def test_a_wrong_word_is_told_with_the_words_that_are_allowed() -> None:
    where = place_of(DEFAULT, "TCPS\n")

    (line,) = errors(("protocol: TCPS", "protocol: SSL"))

    allowed = "'TCP', 'TCPS', 'HTTP', 'HTTPS', 'RFC', 'RFCS', 'LDAP', 'LDAPS' or 'RFCWS'"
    assert line == f"lab.yaml:{where}: {MAPPING}.protocol: found 'SSL', allowed: {allowed}"


def test_a_key_that_is_not_known_is_told_at_the_key_with_the_nearest_one() -> None:
    where = place_of(DEFAULT, "socks5_port:")

    (line,) = errors(("socks5_port: 20004", "socks5_prot: 20004"))

    assert line.startswith(f"lab.yaml:{where}: cloud.socks5_prot: unknown key; did you mean 'socks5_port'? allowed: ")


def test_a_missing_key_is_told_at_the_section_it_is_missing_in() -> None:
    where = place_of(DEFAULT, "client_id: maco")

    assert errors(("client_id: maco\n      client_secret", "client_secret")) == [
        f"lab.yaml:{where}: cloud.clients[0]: 'client_id' is missing"
    ]


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        (
            "socks5_port: 20004",
            "socks5_port: '20004'",
            "20004 ",
            "cloud.socks5_port: found '20004', allowed: a whole number",
        ),
        (
            "socks5_port: 20004",
            "socks5_port: 70000",
            "20004 ",
            "cloud.socks5_port: found 70000, allowed: 65535 or less",
        ),
        ("socks5_port: 20004", "socks5_port: -1", "20004 ", "cloud.socks5_port: found -1, allowed: 0 or more"),
        ("token_port: 20010", "token_port: [1]", "20010 ", "cloud.token_port: found a list, allowed: a whole number"),
        (
            "token_port: 20010",
            "token_port: 2026-01-01",
            "20010 ",
            "cloud.token_port: found a date, allowed: a whole number",
        ),
        ("token_port: 20010", "token_port:", "token_port", "cloud.token_port: found nothing, allowed: a whole number"),
        (
            "location_id: WERK1",
            "location_id: 1",
            "WERK1",
            f"{SUBACCOUNT}.location_id: found 1, allowed: text (in quotes where it looks like a number or a date)",
        ),
        (
            "trust_all_backends: false",
            "trust_all_backends: maybe",
            "false\n      certificates",
            f"{STORE}.trust_all_backends: found 'maybe', allowed: true or false",
        ),
        (
            "certificates: [root]",
            "certificates: root",
            "[root]",
            f"{STORE}.certificates: found 'root', allowed: a list",
        ),
        ("poll_every_s: 60", "poll_every_s: 0", "60\n", "maco.poll_every_s: found 0, allowed: more than 0"),
        (
            VIRTUAL,
            "virtual: mailbox.virtual",
            VIRTUAL_PLACE,
            f"{MAPPING}.virtual: found 'mailbox.virtual', allowed: {HOST_PORTS}",
        ),
        (
            "  host: 127.0.0.1\n  socks5",
            "  host: localhost\n  socks5",
            "127.0.0.1\n  socks5",
            "cloud.host: found 'localhost', allowed: an IP address, as in 127.0.0.1",
        ),
        (
            "  host: 127.0.0.1\n  socks5",
            "  host: 0.0.0.0\n  socks5",
            "127.0.0.1\n  socks5",
            "cloud.host: found '0.0.0.0', allowed: one address, because MaCo and the Cloud Connectors dial it",
        ),
        ("cloud:\n  host", "cloud: 1\nx:\n  host", "cloud:", "cloud: found 1, allowed: a mapping"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_by_what_was_found_and_what_is_allowed(
    old: str, new: str, at: str, told: str
) -> None:
    line, column = place_of(DEFAULT, at).split(":")
    if told.startswith("cloud: "):
        column = str(len("cloud: ") + 1)

    assert errors((old, new))[0] == f"lab.yaml:{line}:{column}: {told}"


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        (
            "      subaccount: stadtwerke\n  # SAP",
            "      subaccount: netz\n  # SAP",
            "stadtwerke\n  # SAP",
            "cloud.clients[0].subaccount: found 'netz', allowed: 'stadtwerke'",
        ),
        ("  client: maco ", "  client: make ", "maco  ", "maco.client: found 'make', allowed: 'maco'"),
        (
            "server: mail-starttls",
            "server: mail",
            "mail-starttls\n      protection",
            f"{CONNECTIONS}[0].server: found 'mail', allowed: 'mail-starttls', 'mail-tcp-tls'",
        ),
        (
            "credential: GAS",
            "credential: STROMGAS",
            "GAS\n",
            f"{CONNECTIONS}[1].credential: found 'STROMGAS', allowed: 'GAS', 'STROM'",
        ),
        (
            "certificate: mail_server ",
            "certificate: root ",
            "mail_server  ",
            "mail_server.certificate: found 'root', allowed: 'administration', 'chain_reversed', ",
        ),
        (
            "certificates: [root]",
            "certificates: [rot]",
            "root]",
            f"{STORE}.certificates[0]: found 'rot', allowed: 'administration', ",
        ),
        (
            "mail-root: root",
            "mail-root: rot",
            "root\n  credentials",
            "maco.key_store.mail-root: found 'rot', allowed: 'administration', ",
        ),
    ],
)
def test_a_reference_to_what_is_not_there_is_told_with_what_is_there(old: str, new: str, at: str, told: str) -> None:
    (line,) = errors((old, new))

    assert line.startswith(f"lab.yaml:{place_of(DEFAULT, at)}: {told}")


@pytest.mark.parametrize(
    ("old", "new", "at", "path"),
    [
        (
            "user: gas@stadtwerke.example\n",
            "user: strom@stadtwerke.example\n",
            "gas@stadtwerke.example\n",
            "mail_server.accounts[1].user: 'strom@stadtwerke.example'",
        ),
        ("{name: GAS,", "{name: STROM,", "GAS,", "maco.credentials[1].name: 'STROM'"),
        (
            "- name: mail-tcp-tls",
            "- name: mail-starttls",
            "mail-tcp-tls",
            "maco.email_servers[1].name: 'mail-starttls'",
        ),
        ("- name: way-b", "- name: way-a", "way-b", f"{CONNECTIONS}[1].name: 'way-a'"),
    ],
)
def test_a_name_that_is_there_twice_is_told_at_the_second_place(old: str, new: str, at: str, path: str) -> None:
    assert f"lab.yaml:{place_of(DEFAULT, at)}: {path} is there twice" in errors((old, new))


@pytest.mark.parametrize(
    ("virtual", "told"),
    [
        ("MAIL.stadtwerke.example:143", "'MAIL.stadtwerke.example:143' is mapped twice"),
        ("mail.stadtwerke.example:140-149", "'mail.stadtwerke.example:140-149' overlaps 'mail.stadtwerke.example:143'"),
    ],
)
def test_mappings_with_a_virtual_port_in_common_are_told_at_the_second_one(virtual: str, told: str) -> None:
    internal = "x:993" if "-" not in virtual else "x:140-149"
    text = DEFAULT.replace("            internal: mail.stadtwerke.example:993", f"            internal: {internal}", 1)

    (line,) = errors((VIRTUAL, f"virtual: {virtual}"), text=text)

    assert line == (
        f"lab.yaml:{place_of(DEFAULT, VIRTUAL_PLACE)}: {MAPPING}.virtual: {told}; a virtual port belongs to one mapping"
    )


@pytest.mark.parametrize("protocol", ["TCP", "TCPS"])
def test_a_mapping_may_be_of_a_port_range(protocol: str) -> None:
    text = DEFAULT.replace(VIRTUAL, "virtual: ftp.virtual:1000-1010")
    text = text.replace("internal: mail.stadtwerke.example:993", "internal: ftp.example:2000-2010", 1)
    mapping = parse(text.replace("TCPS", protocol)).model.cloud_connectors[0].subaccounts[0].mappings[1]

    assert mapping.virtual == ("ftp.virtual", PortRange(1000, 1010))
    assert mapping.internal == ("ftp.example", PortRange(2000, 2010))


def test_port_ranges_of_different_sizes_are_told_at_the_internal_one() -> None:
    (line,) = errors((VIRTUAL, "virtual: mailbox.virtual:990-999"))

    assert line == (
        f"lab.yaml:{place_of(DEFAULT, 'mail.stadtwerke.example:993')}: {MAPPING}.internal: "
        "found 993 (1 port), allowed: 10 ports, as many as virtual"
    )


@pytest.mark.parametrize("ports", ["999-990", "990-", "990 - 999", "990-99999", "-1"])
def test_what_is_no_port_range_is_told_with_an_example(ports: str) -> None:
    (line,) = errors((VIRTUAL, f'virtual: "mailbox.virtual:{ports}"'))

    assert line == (
        f"lab.yaml:{place_of(DEFAULT, VIRTUAL_PLACE)}: {MAPPING}.virtual: found 'mailbox.virtual:{ports}', "
        f"allowed: {HOST_PORTS}"
    )


@pytest.mark.parametrize(
    ("rows", "at", "told"),
    [
        (
            "ftp:20-29: 127.0.0.1:20-30",
            "127.0.0.1:20-30",
            "found 20-30 for 20-29, allowed: as many ports as in the name",
        ),
        ("ftp:20-29: 127.0.0.1:20", "127.0.0.1:20\n", "found 20 for 20-29, allowed: as many ports as in the name"),
        (
            "ftp:25-34: 127.0.0.1:25-34\n  FTP:20-29: 127.0.0.1:20-29",
            "127.0.0.1:25-34",
            "'ftp:25-34' overlaps 'FTP:20-29'",
        ),
    ],
)
def test_a_range_of_names_on_premise_that_cannot_be_is_told_at_its_line(rows: str, at: str, told: str) -> None:
    text = DEFAULT.replace("hosts:\n", f"hosts:\n  {rows}\n")

    (line,) = errors(text=text)

    assert line.startswith(f"lab.yaml:{place_of(text, at)}: hosts.ftp:2")
    assert line.endswith(told)


def test_a_name_on_premise_with_one_port_may_stand_beside_a_range_that_has_it() -> None:
    rows = "hosts:\n  ftp:20-29: 127.0.0.1:20-29\n  ftp:21: 127.0.0.1:7\n"

    assert parse(DEFAULT.replace("hosts:\n", rows)).model.hosts["ftp:21"] == ("127.0.0.1", PortRange(7, 7))


def test_mail_for_a_user_who_has_no_account_is_told_at_its_line() -> None:
    (line,) = errors(("mail_server:\n", "mail_server:\n  preload: {nobody: old.mbox}\n"))

    assert "mail_server.preload.nobody: found 'nobody', allowed: " in line


def test_a_port_of_two_listeners_is_told_at_the_second_one() -> None:
    where = place_of(DEFAULT, "3993, smtp")

    assert errors(("imaps: 3993,", "imaps: 3143,")) == [
        f"lab.yaml:{where}: mail_server.ports.imaps: port 3143 is that of mail_server.ports.imap already"
    ]


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        (VIRTUAL, "virtual: mailbox.virtual:0", VIRTUAL_PLACE, f"{MAPPING}.virtual: found 0, allowed: 1 to 65535"),
        (
            VIRTUAL,
            "virtual: größe:993",
            VIRTUAL_PLACE,
            f"{MAPPING}.virtual: found 'größe', allowed: a host name of 1 to 255 ASCII characters",
        ),
        (
            "address: mail.stadtwerke.example:143",
            "address: imap://mail",
            "mail.stadtwerke.example:143   ",
            "maco.email_servers[0].address: found port '//mail' in 'imap://mail', allowed is 'virtualHost:port'",
        ),
        (
            "proxy_type: On-Premise",
            "proxy_type: Internet",
            "WERK1\n      timeout",
            "maco.email_servers[0].location_id: found 'WERK1', allowed only with Proxy Type On-Premise",
        ),
        (
            'protection: "Off"',
            "protection: IMAPS",
            '"Off"',
            f"{CONNECTIONS}[1].protection: found 'IMAPS' with Proxy Type On-Premise, ",
        ),
        (
            "client_secret: lab-secret-of-maco",
            "client_secret: ''",
            "lab-secret-of-maco",
            "cloud.clients[0].client_secret: found none, needed to ask for a token",
        ),
        (
            "password: Strom4711Postfach\n",
            "password: ''\n",
            "Strom4711Postfach",
            "mail_server.accounts[0].password: is empty",
        ),
    ],
)
def test_what_a_partys_settings_refuse_is_told_at_its_line(old: str, new: str, at: str, told: str) -> None:
    assert errors((old, new))[0].startswith(f"lab.yaml:{place_of(DEFAULT, at)}: {told}")


RULES = "/api/v1/configuration/connector/onPremises/subjectPatternRules"
SUBACCOUNTS = "/api/v1/configuration/subaccounts"
K8S = f"{SUBACCOUNTS}/{{region_host}}/{{subaccount}}/channels/K8S"


@pytest.mark.parametrize(
    ("path", "kept", "told"),
    [
        ("/api/v1/nowhere", "{}", "found '/api/v1/nowhere', allowed: a path that docs/rest-api.md lists with GET"),
        (SUBACCOUNTS, "{lastChannelId: many}", 'lastChannelId: found "many", allowed: a whole number from 0 to '),
        (RULES, "{rules: [1]}", "rules: found a list, allowed: a list of objects"),
        (RULES, "{rules: [{description: x}]}", "condition: found nothing, allowed: an object"),
    ],
)
def test_what_the_api_cannot_keep_at_a_path_is_told_at_its_line(path: str, kept: str, told: str) -> None:
    keys = f"must_change_password: false\n      settings: {{'{path}': {kept}}}\n"
    (line,) = errors(("must_change_password: false", keys))

    assert f"cloud_connectors[0].administration.settings.{path}: {told}" in line


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("{'0': {}}", "0: allowed: an ID, from 1 on"),
        ("{'1': []}", "1: found a list, allowed: an object"),
        ("{'1': {k8sCluster: c, k8sService: s, port: 0, connections: 1}}", "port: found 0, allowed: a whole number "),
    ],
)
def test_a_service_channel_that_cannot_be_is_told_at_its_line(kept: str, told: str) -> None:
    (line,) = errors(("location_id: WERK1", f"location_id: WERK1\n        settings: {{'{K8S}': {kept}}}"))

    assert f"{SUBACCOUNT}.settings.{K8S}: {told}" in line


def test_an_archive_without_a_folder_is_told_at_its_connection() -> None:
    (line,) = errors(
        ("post_processing: Mark as Read\n    - name: way-b", "post_processing: Archive\n    - name: way-b")
    )

    assert line.endswith(f"{CONNECTIONS}[0].archive_folder: found none, Archive needs a folder name")
    assert line.startswith(f"lab.yaml:{place_of(DEFAULT, 'name: way-a')}: ")


def test_an_address_of_two_mailboxes_is_told() -> None:
    (line,) = errors(
        ("password: Gas0815Postfach\n\n", "password: Gas0815Postfach\n      addresses: [strom@stadtwerke.example]\n\n")
    )

    assert line.endswith("mail_server.accounts: strom@stadtwerke.example appears more than once")


def test_a_name_on_premise_without_a_port_is_told() -> None:
    (line,) = errors(("  mail.stadtwerke.example:993: 127", "  mail.stadtwerke.example: 127"))

    assert line.endswith(f"hosts.mail.stadtwerke.example: found name 'mail.stadtwerke.example', allowed: {HOST_PORTS}")


def test_several_errors_are_told_at_once_in_the_order_of_the_file() -> None:
    lines = errors(
        ("protocol: TCPS", "protocol: SSL"), ("poll_every_s: 60", "poll_every_s: x"), ("host_name: ", "hostname: ")
    )

    assert [line.split(": ")[1] for line in lines] == [
        f"{MAPPING}.protocol",
        "mail_server",
        "mail_server.hostname",
        "maco.poll_every_s",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("password: Strom4711Postfach", "password: 4711081512"),
        ("password: Strom4711Postfach", "password: [4711081512]"),
        ("password: Strom4711Postfach", "password: a\n      password: 4711081512"),
        ("client_secret: lab-secret-of-maco", "client_secret: 4711081512"),
        ("- user: strom@stadtwerke.example\n      password: Strom4711Postfach", "- strom:4711081512"),
        ("{name: STROM, user: strom@stadtwerke.example, password: Strom4711Postfach}", "4711081512"),
        ("password: Strom4711Postfach}", "password: 4711081512}"),
    ],
)
def test_a_secret_in_a_broken_file_is_not_repeated(old: str, new: str) -> None:
    lines = errors((old, new))

    assert lines
    assert "4711081512" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1: the file must be a mapping with cloud, subaccounts, mail_server and maco"),
        ("- a", "1:1: the file must be a mapping with cloud, subaccounts, mail_server and maco"),
        ("cloud:\n  host: [\n", "3:1: "),
        ("cloud:\n\thost: 1\n", "2:1: found character '\\t' that cannot start any token"),
        ("cloud: {}\ncloud: {}\n", "2:1: key 'cloud' is there twice"),
        ("cloud: *nowhere\n", "1:8: found undefined alias 'nowhere'"),
        ("a: b\nc: \x00\n", "2:4: found a character that YAML does not allow"),
        ("a: b\nc: 2001-99-99\n", "2:4: a value that is not what its form or tag says"),
        ("a: b\nc:\n  - !!float x\n", "3:5: a value that is not what its form or tag says"),
        ("a: b\n--- c\n", "2:1: but found another document"),
        ("- " * 1500, "1:1: nested too deeply"),
    ],
)
def test_what_is_not_yaml_is_told_by_its_place(text: str, told: str) -> None:
    assert errors(text=text)[0].startswith(f"lab.yaml:{told}")


@pytest.mark.parametrize(
    "text", ["a: &a [*a]", "cloud: &c {clients: [*c]}", "? {a: b}\n: c", "!!set {a}", "&a a: *a", "!x y"]
)
def test_odd_yaml_is_an_error_like_any_other(text: str) -> None:
    assert errors(text=text)


@settings(max_examples=150 if SOAK else 50, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="-?:,[]{}#&*!|>'\"%@` \n\tab0.~=<", max_size=80))
def test_no_text_raises_anything_but_a_lab_file_error(text: str) -> None:
    with pytest.raises(LabFileError) as caught:
        parse(text)

    assert all(finding.line >= 1 and finding.column >= 1 for finding in caught.value.findings)


_WORDS = st.sampled_from(
    ["[", "{a: 1}", "!!int x", "&a", "*a", "null", "0x1", "2001-01-01", "'", "~", "1e9", "\x01", ""]
)


@settings(max_examples=60 if SOAK else 20, deadline=None)
@given(st.integers(0, DEFAULT.count("\n") - 1), _WORDS)
@pytest.mark.slow
def test_no_damaged_lab_file_raises_anything_but_a_lab_file_error(line: int, word: str) -> None:
    lines = DEFAULT.splitlines()
    lines[line] = lines[line].partition(":")[0] + ": " + word
    with contextlib.suppress(LabFileError):
        parse("\n".join(lines))


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(LabFileError, match=r"none\.yaml:1:1: No such file or directory"):
        find_lab_file(tmp_path / "none.yaml")


def test_a_file_that_is_not_utf_8_is_told_by_the_place_of_the_byte(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: b\nc: \xff\n")

    with pytest.raises(LabFileError, match=r"x\.yaml:2:4: the file is not UTF-8 text"):
        find_lab_file(tmp_path / "x.yaml")


def test_a_file_that_is_far_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.touch()
    os.truncate(path, 1 << 40)

    with pytest.raises(LabFileError, match="larger than 16777216 bytes"):
        find_lab_file(path)


def test_without_a_name_the_file_of_this_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab.yaml").write_text(DEFAULT.replace("poll_every_s: 60", "poll_every_s: 61"))
    monkeypatch.chdir(tmp_path)

    assert find_lab_file(None).model.maco.poll_every_s == 61


def test_without_any_file_the_built_in_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert find_lab_file(None).name == "lab.yaml (built in)"


def test_words_that_are_true_or_false_in_yaml_1_1_stay_words() -> None:
    """YAML 1.2, section 10.3.2: only true and false are booleans."""
    text = DEFAULT.replace('protection: "Off"', "protection: Off")

    assert parse(text).model.maco.email_connections[1].protection == "Off"


CONNECTOR = "  - name: scc\n"


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("application_tunnel_connections: 0", "1 or more"),
        ("application_tunnel_connections: 65", "64 or less"),
        ("drain_s: -1", "0.0 or more"),
        ("keep_alive_probes: 128", "127 or less"),
        ("ping_interval_s: 0", "more than 0"),
    ],
)
def test_a_tunnel_key_out_of_its_range_is_told_with_the_range(key: str, allowed: str) -> None:
    (line,) = errors((CONNECTOR, f"{CONNECTOR}    {key}\n"))

    assert f": cloud_connectors[0].{key.partition(':')[0]}: found " in line
    assert line.endswith(f"allowed: {allowed}")


def test_a_port_of_a_pair_that_is_taken_already_is_told() -> None:
    (line,) = errors((CONNECTOR, f"{CONNECTOR}    high_availability: {{shadow_port: 8444}}\n"))

    assert line.endswith(
        "cloud_connectors[0].high_availability.shadow_port: "
        "port 8444 is that of cloud_connectors.0.high_availability.master_port already"
    )


def test_a_cloud_connector_with_the_name_of_a_shadow_is_told() -> None:
    other = "  - name: scc shadow\n    subaccounts:\n      - subaccount: stadtwerke\n"
    (line,) = errors((CONNECTOR, f"{other}{CONNECTOR}    high_availability: {{}}\n"))

    assert line.endswith("cloud_connectors[0].name: 'scc shadow' is the shadow of 'scc'")


def test_a_firewall_in_front_of_nothing_is_told_with_what_mappings_lead_to() -> None:
    (told,) = errors(("hosts:\n", "firewall: [mail.stadtwerk.example:143]\nhosts:\n"))

    assert told.endswith("firewall[0]: found 'mail.stadtwerk.example', allowed: 'mail.stadtwerke.example'")


def test_an_empty_secret_of_maco_is_an_error() -> None:
    (told,) = errors(("  client: maco ", "  client_secret: ''\n  client: maco "))

    assert told.endswith("maco.client_secret: found none, needed to ask for a token")


@pytest.mark.parametrize(
    ("new", "at", "told"),
    [
        ("at: '7:30'", "'7:30'", "scheduler.at: found '7:30', allowed is 'HH:MM', from '00:00' to '24:00'"),
        ("every_s: 5, at: '07:30'", "5, at", "scheduler.every_s: found both of every_s and at, allowed is one of them"),
        ("every_s: 5, weekdays: [Mo]", "Mo]", "scheduler.weekdays[0]: found 'Mo', allowed: 'Mon', "),
        ("every_s: 5, time_zone: Mars", "Mars", "scheduler.time_zone: found 'Mars', allowed is one such as "),
    ],
)
def test_a_schedule_that_cannot_be_is_told_at_its_line(new: str, at: str, told: str) -> None:
    text = DEFAULT.replace("    - name: way-a\n", f"    - name: way-a\n      scheduler: {{{new}}}\n")

    (line,) = errors(text=text)

    assert line.startswith(f"lab.yaml:{place_of(text, at)}: {CONNECTIONS}[0].{told}")


def test_a_schedule_of_its_own_comes_before_the_common_one() -> None:
    text = DEFAULT.replace(
        "    - name: way-a\n",
        "    - name: way-a\n      scheduler: {at: 07:30, on_date: 2026-12-01, time_zone: Europe/Berlin}\n",
    )

    found = schedules(parse(text).model.maco)

    assert found == {
        "way-a": Schedule(at="07:30", on_date=dt.date(2026, 12, 1), time_zone="Europe/Berlin"),
        "way-b": Schedule(every_s=60),
    }


def test_an_alias_that_sap_keeps_is_told_at_its_line() -> None:
    (line,) = errors(("mail-root: root", "sap_root: root"))

    assert "maco.key_store.sap_root: found 'sap_root', reserved are hcicertificate, " in line


def test_a_number_where_a_token_is_due_is_not_repeated() -> None:
    (line,) = errors(("{name: GAS,", "{name: GAS, access_token: 4711,"))

    assert line.endswith("maco.credentials[1].access_token: found a number, or true or false, allowed: text "
                         "(in quotes where it looks like a number or a date)")  # fmt: skip


def test_a_server_presents_no_certificate_that_came_without_its_key() -> None:
    (line,) = errors(("  certificate: mail_server ", "  certificate: {pem: '-----BEGIN'} "))

    assert "mail_server.certificate: found a certificate without its key, allowed: a name, or " in line


def test_the_lines_for_pop3_make_a_lab_that_reads_by_pop3_without_a_warning() -> None:
    model = parse_lab(text_with_pop3(), name="lab.yaml", folder=Path()).model

    assert [each.name for each in model.maco.email_connections] == ["way-a", "way-b", POP3_A, POP3_B]
    assert (model.mail_server.ports.pop3, model.mail_server.ports.pop3s) == (3110, 3995)
    assert [each for each in warnings(model) if "pop3-" in each and "polls the same" not in each] == []


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("  transport_protocol: POP3\n", "  transport_protocol: POP3\n      selection: All Mails\n", "selection"),
        ("  transport_protocol: POP3\n", "  transport_protocol: POP3\n      folder: Archive\n", "folder"),
        ("post_processing: Delete   ", "post_processing: Mark as Read", "post_processing"),
        ("post_processing: Delete   ", "archive_folder: Done\n      post_processing: Delete", "archive_folder"),
        ("protection: STARTTLS Mandatory\n      credential: STROM\n      transport",
         "protection: POP3S\n      credential: STROM\n      transport", "protection"),
    ],
)  # fmt: skip
def test_what_only_imap4_has_is_refused_by_its_field(old: str, new: str, field: str) -> None:
    text = text_with_pop3()
    assert old in text
    with pytest.raises(LabFileError) as caught:
        parse_lab(text.replace(old, new, 1), name="lab.yaml", folder=Path())

    assert f"maco.email_connections[2].{field}: found" in str(caught.value)
