"""Events as signed HTTP POSTs, in order, at least once: `earwitness webhook`; and `verify` for receivers."""

from .signature import HEADER, sign, verify

__all__ = ["HEADER", "sign", "verify"]
