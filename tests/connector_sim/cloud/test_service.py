from __future__ import annotations

import pytest

from connector_sim.cloud.service import ConnectivityService
from maco_net.errors import ConnectError
from maco_net.tcp import connect_tcp
from tests.connector_sim.landscape import DEADLINE_S, Seen, cloud_settings, cloud_side, connectivity


def _service(**changes: int) -> ConnectivityService:
    return connectivity(cloud_settings(**changes), Seen())


def test_the_ports_are_known_before_anything_is_served() -> None:
    service = _service()
    assert min(port for _, port in (service.socks5_address, service.token_address, service.tunnel_address)) > 0
    service.close()


def test_a_port_in_use_is_named_and_the_others_are_given_up() -> None:
    first = _service()
    port = first.token_address[1]
    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        _service(token_port=port)
    first.close()


async def test_nobody_listens_any_more_behind_the_block() -> None:
    async with cloud_side() as lab:
        address = lab.cloud.socks5_address
    with pytest.raises(ConnectError) as caught:
        await connect_tcp(*address, timeout_s=DEADLINE_S)
    assert caught.value.kind == "refused"


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    service = _service()
    with pytest.raises(KeyError):
        async with service.running():
            raise KeyError("the block's own")


def test_the_token_url_is_the_base_of_the_token_service() -> None:
    service = _service()
    assert service.token_url == f"http://127.0.0.1:{service.token_address[1]}"
    service.close()
