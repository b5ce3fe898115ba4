"""With unittest, or any other framework: a lab is a context manager. Run it by `python -m unittest`."""

import unittest

from maco_lab.testing.lab import lab_for_tests


class BothWays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(lab_for_tests())

    def setUp(self):
        self.lab.reset()

    def test_way_a(self):
        self.lab.mail_server.deliver("strom@stadtwerke.example", "Subject: MSCONS\n\nUNA:+.? '")
        self.assertEqual(self.lab.maco.poll("way-a").stored, 1)
        self.assertEqual(self.lab.journal.sight("way-a").mail_session.client, "MaCo")

    def test_way_b(self):
        self.lab.mail_server.deliver("gas@stadtwerke.example", "Subject: MSCONS\n\nUNA:+.? '")
        self.assertEqual(self.lab.maco.poll("way-b").stored, 1)
        self.assertEqual(self.lab.journal.sight("way-b").mail_session.client, "Cloud Connector")


if __name__ == "__main__":
    unittest.main()
