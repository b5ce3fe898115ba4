"""SOCKS5 (RFC 1928) with the Connectivity service's own authentication method 0x80, both roles."""

from maco_wire.socks5.client import Socks5Client as Socks5Client
from maco_wire.socks5.server import Socks5Server as Socks5Server
from maco_wire.socks5.values import AUTHENTICATION_ACCEPTED as AUTHENTICATION_ACCEPTED
from maco_wire.socks5.values import MAX_LOCATION_ID_BYTES as MAX_LOCATION_ID_BYTES
from maco_wire.socks5.values import MAX_TOKEN_BYTES as MAX_TOKEN_BYTES
from maco_wire.socks5.values import REPLY_TEXTS as REPLY_TEXTS
from maco_wire.socks5.values import AddressType as AddressType
from maco_wire.socks5.values import Authenticated as Authenticated
from maco_wire.socks5.values import AuthenticationRefused as AuthenticationRefused
from maco_wire.socks5.values import AuthenticationRequested as AuthenticationRequested
from maco_wire.socks5.values import ClientEvent as ClientEvent
from maco_wire.socks5.values import Command as Command
from maco_wire.socks5.values import Connected as Connected
from maco_wire.socks5.values import ConnectRefused as ConnectRefused
from maco_wire.socks5.values import ConnectRequested as ConnectRequested
from maco_wire.socks5.values import Method as Method
from maco_wire.socks5.values import MethodAccepted as MethodAccepted
from maco_wire.socks5.values import MethodRefused as MethodRefused
from maco_wire.socks5.values import Refused as Refused
from maco_wire.socks5.values import Reply as Reply
from maco_wire.socks5.values import ServerEvent as ServerEvent
