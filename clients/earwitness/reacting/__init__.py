"""Running a command when somebody else speaks: `earwitness on`."""

from .reactor import Reactor
from .settling import Change, Settling
from .waiting import Waiting
from .wish import Moment, Wish

__all__ = ["Change", "Moment", "Reactor", "Settling", "Waiting", "Wish"]
