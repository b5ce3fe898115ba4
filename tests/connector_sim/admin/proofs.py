"""Which test proves of each endpoint that changes something, and is said to act, that it does.

A test proves it if something else than the API's own GET shows it: a connection, a handshake, a tunnel, a log file.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.connector_sim.admin.catalogue import (
    AUDIT,
    CONFIGURATION,
    LOG,
    MAPPING,
    MAPPINGS,
    OF_SUBACCOUNT,
    ON_PREMISE,
    OWN,
    SUBACCOUNT,
    SUBACCOUNTS,
    TRUST,
)

_CERTIFICATES = f"{TRUST}/certificates"
_SYSTEM, _UI = f"{ON_PREMISE}/systemCertificate", f"{OWN}/ui/uiCertificate"
_MASTER, _SHADOW = f"{OWN}/ha/master", f"{OWN}/ha/shadow"
_BACKUP = f"{CONFIGURATION}/backup"

PROOFS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("POST", SUBACCOUNTS): ("test_subaccounts", "test_a_subaccount_that_is_added_carries_traffic"),
    ("PUT", SUBACCOUNT): ("test_subaccounts", "test_another_location_id_moves_the_tunnel"),
    ("DELETE", SUBACCOUNT): ("test_subaccounts", "test_a_deleted_subaccount_is_gone_with_its_tunnel"),
    ("PUT", f"{SUBACCOUNT}/state"): ("test_subaccounts", "test_a_tunnel_that_is_connected_again_carries_traffic"),
    ("POST", f"{SUBACCOUNT}/validity"): (
        "test_subaccounts",
        "test_a_renewed_certificate_is_shown_at_the_next_handshake",
    ),
    ("POST", MAPPINGS): ("test_system_mappings", "test_a_mapping_that_is_posted_carries_traffic_at_once"),
    ("DELETE", MAPPINGS): ("test_system_mappings", "test_all_mappings_may_be_deleted_at_once"),
    ("PUT", MAPPING): ("test_system_mappings", "test_put_switches_tcp_to_tcps_and_back"),
    ("DELETE", MAPPING): (
        "test_system_mappings",
        "test_a_mapping_that_is_deleted_refuses_the_next_connection_and_keeps_those_that_are_open",
    ),
    ("PATCH", TRUST): ("test_trust_store", "test_all_back_ends_are_trusted_while_the_switch_says_so"),
    ("POST", _CERTIFICATES): (
        "test_trust_store",
        "test_a_certificate_that_is_uploaded_counts_from_the_next_handshake_on",
    ),
    ("DELETE", _CERTIFICATES): (
        "test_trust_store",
        "test_a_certificate_that_is_uploaded_counts_from_the_next_handshake_on",
    ),
    ("DELETE", f"{_CERTIFICATES}/{{alias}}"): (
        "test_trust_store",
        "test_a_certificate_that_is_deleted_is_trusted_no_more_from_the_next_handshake_on",
    ),
    ("POST", _SYSTEM): (
        "test_own_certificates",
        "test_a_self_signed_system_certificate_is_offered_to_the_mail_server",
    ),
    ("PUT", _SYSTEM): ("test_own_certificates", "test_pkcs12_becomes_the_system_certificate"),
    ("PATCH", _SYSTEM): (
        "test_own_certificates",
        "test_a_request_that_was_signed_elsewhere_becomes_the_system_certificate",
    ),
    ("DELETE", _SYSTEM): (
        "test_own_certificates",
        "test_a_system_certificate_that_is_deleted_is_offered_no_more",
    ),
    ("POST", _UI): ("test_own_certificates", "test_a_new_ui_certificate_is_shown_to_the_next_client"),
    ("PUT", _UI): ("test_own_certificates", "test_pkcs12_becomes_the_ui_certificate_of_the_next_client"),
    ("PATCH", _UI): ("test_own_certificates", "test_a_signed_request_becomes_the_ui_certificate_of_the_next_client"),
    ("PUT", f"{OWN}/authentication/basic"): ("test_application", "test_a_user_may_take_another_name"),
    ("PUT", f"{_MASTER}/config"): ("test_ha", "test_a_master_binds_no_shadow_that_it_is_told_not_to"),
    ("POST", f"{_MASTER}/state"): ("test_ha", "test_a_switch_gives_the_masters_part_to_the_shadow"),
    ("DELETE", f"{_MASTER}/state"): ("test_ha", "test_a_master_forgets_a_shadow_that_has_left"),
    ("PUT", f"{_SHADOW}/config"): ("test_ha", "test_a_shadow_watches_by_the_times_that_it_is_told"),
    ("POST", f"{_SHADOW}/state"): (
        "test_ha",
        "test_a_shadow_that_left_its_master_forgets_it_and_can_be_told_another",
    ),
    ("DELETE", f"{_SHADOW}/state"): (
        "test_ha",
        "test_a_shadow_that_left_its_master_forgets_it_and_can_be_told_another",
    ),
    ("POST", _BACKUP): ("test_backup", "test_everything_comes_back"),
    ("PUT", _BACKUP): ("test_backup", "test_it_acts"),
    ("PATCH", LOG): ("test_traces", "test_at_debug_it_shows_connections_by_their_channels"),
    ("PATCH", LOG + OF_SUBACCOUNT): (
        "test_traces",
        "test_payload_is_traced_when_two_people_want_it_with_passwords_masked",
    ),
    ("PATCH", AUDIT): ("test_audit", "test_signing_in_is_told_once_for_a_session_at_level_all"),
    ("PATCH", AUDIT + OF_SUBACCOUNT): (
        "test_audit",
        "test_denied_accesses_are_told_and_allowed_ones_at_level_all_only",
    ),
    ("PUT", f"{OWN}/alerting"): (
        "test_alerting",
        "test_the_threshold_of_certificates_decides_which_of_them_expire_soon",
    ),
    ("PATCH", f"{OWN}/alerting"): (
        "test_alerting",
        "test_the_threshold_of_certificates_decides_which_of_them_expire_soon",
    ),
}
"""By method and path: the module beside this one, and the test in it."""
