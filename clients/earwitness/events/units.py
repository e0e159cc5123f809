"""What the numbers of the contract are measured in: plain numbers on the wire, named in the schema."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta


def _unit(name: str) -> Meta:
    return Meta(extra_json_schema={"unit": name})


Samples = Annotated[int, _unit("samples")]
Hertz = Annotated[int, _unit("Hz")]
Seconds = Annotated[float, _unit("s")]
Milliseconds = Annotated[float, _unit("ms")]
Megabytes = Annotated[float, _unit("MB")]
FullScale = Annotated[float, _unit("dBFS")]
Decibels = Annotated[float, _unit("dB")]
Cosine = Annotated[float, _unit("cosine")]
Fraction = Annotated[float, _unit("0 to 1")]
LogRatio = Annotated[float, _unit("nat")]
Timestamp = Annotated[str, Meta(extra_json_schema={"unit": "RFC 3339", "format": "date-time"})]
