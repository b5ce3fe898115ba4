"""yamux as HashiCorp published it (spec.md): many streams, each with its own flow control, over one connection."""

from maco_wire.yamux.events import DataReceived as DataReceived
from maco_wire.yamux.events import Event as Event
from maco_wire.yamux.events import GoAwayReceived as GoAwayReceived
from maco_wire.yamux.events import PingAnswered as PingAnswered
from maco_wire.yamux.events import StreamEnded as StreamEnded
from maco_wire.yamux.events import StreamOpened as StreamOpened
from maco_wire.yamux.events import StreamReset as StreamReset
from maco_wire.yamux.events import WindowOpened as WindowOpened
from maco_wire.yamux.frames import HEADER_SIZE as HEADER_SIZE
from maco_wire.yamux.frames import INITIAL_WINDOW as INITIAL_WINDOW
from maco_wire.yamux.frames import MAX_FRAME as MAX_FRAME
from maco_wire.yamux.frames import GoAwayCode as GoAwayCode
from maco_wire.yamux.session import YamuxSession as YamuxSession
from maco_wire.yamux.streams import Stream as Stream
