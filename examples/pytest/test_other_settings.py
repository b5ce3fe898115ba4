"""A landscape of its own for one module: what happens when the mail server's certificate has expired?"""

import pytest


@pytest.fixture(scope="module")
def maco_lab_settings():
    def change(lab):
        lab["mail_server"]["certificate"] = "expired"

    return change


def test_maco_names_the_expired_certificate(maco):
    result = maco.poll("way-a")

    assert not result.succeeded
    assert "expired" in result.error.lower() + result.hint.lower()


@pytest.mark.maco_lab(change=lambda lab: lab["maco"].update(key_store={}))
def test_an_empty_key_store_is_told_before_the_certificate(maco, lab_journal):
    assert "trustAnchors" in maco.poll("way-a").error
    assert lab_journal.no_password_was_sent()


def test_without_a_tunnel_the_proxy_answers_0x03(maco, cloud_connector):
    cloud_connector.disconnect()

    assert maco.poll("way-a").socks_reply == 0x03  # the next test has the tunnel again
