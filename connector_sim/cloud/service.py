"""The Connectivity service as a whole: its listeners, and one task that serves them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator, Callable

from joserfc.jwk import RSAKey

from connector_sim.cloud.authentication_data import AuthenticationDataDesk
from connector_sim.cloud.certificate_signing import CertificateSigning, SignRequest
from connector_sim.cloud.cloud_users import CloudUsers
from connector_sim.cloud.registry import TunnelRegistry
from connector_sim.cloud.settings import ConnectivitySettings
from connector_sim.cloud.socks_proxy import SocksProxy
from connector_sim.cloud.token_service import TokenService
from connector_sim.cloud.tokens import Tokens
from connector_sim.cloud.tunnel_endpoint import TunnelEndpoint
from connector_sim.http_server import serve_http
from connector_sim.observing import DescribeCertificate
from connector_sim.passage import Watcher
from connector_sim.tunnel.session import SessionSettings
from maco_net.background import in_background
from maco_net.listener import Listener
from maco_net.tcp import TcpStream
from maco_net.tls import start_tls


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class ConnectivityService:
    """Bind at construction (so that ports are known), serve inside ``running``."""

    def __init__(
        self,
        settings: ConnectivitySettings,
        *,
        tunnel_context: ssl.SSLContext,
        signing_key: RSAKey,
        watcher: Watcher,
        describe_certificate: DescribeCertificate,
        clock: Callable[[], float] = time.time,
        session_settings: SessionSettings | None = None,
        token_context: ssl.SSLContext | None = None,
        sign_request: SignRequest | None = None,
    ) -> None:
        """Bind every address; raises OSError naming the one that cannot be bound.

        With ``token_context`` the token service speaks HTTPS, without it HTTP. ``sign_request`` signs subaccount
        certificates for the users of the settings.
        """
        self.settings = settings
        self._token_context = token_context
        self.registry = TunnelRegistry(replace_foreign=settings.replace_foreign_tunnel)
        self.tokens = Tokens(settings, signing_key, clock=clock)
        scheme = "https" if token_context else "http"
        users = CloudUsers(settings.users, settings.subaccounts)
        self.desk = AuthenticationDataDesk(users, signing_key, settings.region_host, clock=clock)
        self._token_service = TokenService(settings, self.tokens, self.desk, scheme=scheme)
        self._proxy = SocksProxy(settings, self.tokens, self.registry, watcher)
        self._endpoint = TunnelEndpoint(
            settings,
            self.registry,
            tunnel_context,
            record=watcher.record,
            describe_certificate=describe_certificate,
            now=_now,
            session_settings=session_settings,
            signing=CertificateSigning(users, self.desk, sign_request) if sign_request else None,
        )
        with contextlib.ExitStack() as undo:
            self._socks5 = _listen(undo, settings.host, settings.socks5_port)
            self._token = _listen(undo, settings.host, settings.token_port)
            self._tunnel = _listen(undo, settings.host, settings.tunnel_port)
            undo.pop_all()
        self.socks5_address = self._socks5.address
        self.token_address = self._token.address
        self.tunnel_address = self._tunnel.address

    @property
    def token_url(self) -> str:
        """The base of the token service, as ``token_service_url`` in a service binding."""
        host, port = self.token_address
        return f"{'https' if self._token_context else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve while the block runs; the addresses are given up behind it."""
        try:
            async with in_background(
                self._socks5.serve(self._proxy.serve, max_connections=self.settings.max_connections),
                self._token.serve(self._serve_token),
                self._tunnel.serve(self._endpoint.serve),
            ):
                try:
                    yield
                finally:
                    self._proxy.relays.cut()
        finally:
            self.close()

    async def drain(self, limit_s: float) -> bool:
        """Accept nobody and open nothing any more, and let what runs in the tunnels finish.

        False if something is left after ``limit_s``. Connections that have nothing open are not waited for.
        """
        self.close()
        async with asyncio.TaskGroup() as tasks:
            drained = [tasks.create_task(session.drain(limit_s)) for session in self.registry.sessions()]
        return all(each.result() for each in drained)

    def close(self) -> None:
        """Give up the addresses; connections that are open go on."""
        for listener in (self._socks5, self._token, self._tunnel):
            listener.close()

    async def _serve_token(self, stream: TcpStream) -> None:
        if self._token_context is None:
            await serve_http(stream, self._token_service.handle, timeout_s=self.settings.http_s)
            return
        tls = await start_tls(stream, self._token_context, server_side=True, timeout_s=self.settings.http_s)
        try:
            await serve_http(tls, self._token_service.handle, timeout_s=self.settings.http_s)
        finally:
            await tls.aclose()


def _listen(undo: contextlib.ExitStack, host: str, port: int) -> Listener:
    try:
        listener = Listener(host, port)
    except OSError as error:
        error.filename = f"{host}:{port}"
        raise
    undo.callback(listener.close)
    return listener
