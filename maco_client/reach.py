"""What it takes to reach a mail server, whoever does it: polls and connectivity tests."""

from __future__ import annotations

from dataclasses import dataclass

from maco_client.reporter import DescribeCertificate
from maco_client.settings import SocksProxy
from maco_client.token import TokenSource
from maco_wire.canary import Canary
from maco_wire.observation import Record


@dataclass(frozen=True, slots=True)
class Reach:
    """The Connectivity service's proxy with the tokens for it, and how is reported what is met on the way."""

    proxy: SocksProxy
    tokens: TokenSource
    record: Record
    describe_certificate: DescribeCertificate
    canaries: tuple[Canary, ...] = ()
