"""With the pytest plugin: `pip install maco-lab` is all it needs. Run it by `pytest examples/pytest`."""


def test_a_market_message_arrives_by_both_ways(maco, mail_server, lab_journal):
    for connection, user in ("way-a", "strom@stadtwerke.example"), ("way-b", "gas@stadtwerke.example"):
        mail_server.deliver(user, "Subject: MSCONS\n\nUNA:+.? '")
        assert maco.poll(connection).stored == 1
        assert [mail.subject for mail in maco.mails(connection)] == ["MSCONS"]
    assert lab_journal.sight("way-a").mail_session.client == "MaCo"  # TLS from end to end
    assert lab_journal.sight("way-b").mail_session.client == "Cloud Connector"
