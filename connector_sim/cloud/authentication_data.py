"""Hand out authentication data to users of the cloud, as the cockpit does, and tell later whether it is genuine.

``POST /maco-lab/authentication_data`` with Basic and the form field ``subaccount``; the path and the answer are ours.
The answer is the JSON body that the administration of a Cloud Connector takes as it is.
"""

from __future__ import annotations

import http
import time
import urllib.parse
import uuid
from collections.abc import Callable

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from connector_sim.authentication_data import AuthenticationData
from connector_sim.cloud.basic import basic_pair
from connector_sim.cloud.cloud_users import CloudUsers
from connector_sim.cloud.tokens import ALGORITHM
from connector_sim.http_server import HttpAnswer, HttpRequest

DATA_PATH = "/maco-lab/authentication_data"
LIFETIME_S = 300
"""How long it may be used: "a few minutes" (SAP, "Adding and Managing Subaccounts")."""


class AuthenticationDataDesk:
    """Issues authentication data for one region, and verifies it. ``clock`` returns seconds since 1970."""

    def __init__(
        self, users: CloudUsers, key: RSAKey, region_host: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._users = users
        self._key = key
        self._region_host = region_host
        self._clock = clock

    def handle(self, request: HttpRequest) -> HttpAnswer:
        """Answer a request for authentication data."""
        form = dict(urllib.parse.parse_qsl(request.body.decode("latin-1")))
        user, password = basic_pair(request)
        subaccount = form.get("subaccount", "")
        if refusal := self._users.refusal(user, password, subaccount):
            return _no(refusal)
        content = {"authenticationData": self.issue(user, subaccount), "expires_in": LIFETIME_S}
        return HttpAnswer(http.HTTPStatus.OK, content)

    def issue(self, user: str, subaccount: str) -> str:
        """Return fresh authentication data."""
        now = int(self._clock())
        data = AuthenticationData(self._region_host, subaccount, user)
        claims = {**data.as_claims(), "jti": uuid.uuid4().hex, "iat": now, "exp": now + LIFETIME_S}
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.kid}, claims, self._key)

    def verified(self, text: str) -> AuthenticationData | None:
        """Return what genuine authentication data of this region says that has not expired; None for any other."""
        try:
            claims = jwt.decode(text, self._key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError, TypeError):
            return None
        expires = claims.get("exp")
        data = AuthenticationData.from_claims(claims)
        if data is None or not isinstance(expires, int) or self._clock() >= expires:
            return None
        return data if data.region_host == self._region_host else None


def _no(status: http.HTTPStatus) -> HttpAnswer:
    known = "a user of the cloud by Basic, and one of his subaccounts as the form field subaccount"
    headers = (("WWW-Authenticate", 'Basic realm="maco-lab cloud"'),) if status == http.HTTPStatus.UNAUTHORIZED else ()
    return HttpAnswer(status, {"error": status.phrase, "error_description": f"allowed: {known}"}, headers)
