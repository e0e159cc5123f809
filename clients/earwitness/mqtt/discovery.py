"""The entities that Home Assistant finds by itself."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .home import Home
from .names import Names, said_of, slug
from .states import OFFLINE, ONLINE

Fields = dict[str, object]


def configurations(home: Home, names: Names) -> dict[str, str]:
    """A configuration for each entity, by topic."""
    if not names.discovery:
        return {}
    entities = [_bridge(names)]
    for stream in home.streams:
        entities += _stream(stream, names)
    entities += [_person(name, names) for name in home.people]
    entities += [_group(name, names, watchlist=watchlist) for name, watchlist in home.groups.items()]
    common = {"origin": {"name": "earwitness"}}
    if home.version:
        common["origin"]["sw_version"] = home.version
    return {
        names.config(component, thing): msgspec.json.encode(
            {**fields, **common, "unique_id": f"{names.node}_{thing}"}
        ).decode()
        for component, thing, fields in entities
    }


def _bridge(names: Names) -> tuple[str, str, Fields]:
    fields: Fields = {
        "name": "Daemon",
        "state_topic": names.status,
        "payload_on": ONLINE,
        "payload_off": OFFLINE,
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "device": _device(names),
    }
    return "binary_sensor", "daemon", fields


def _stream(stream: str, names: Names) -> Iterator[tuple[str, str, Fields]]:
    place = slug(stream)
    common: Fields = {
        "availability": [{"topic": names.status}, {"topic": names.stream(stream, "status")}],
        "availability_mode": "all",
        "device": {
            "identifiers": [f"{names.node}_stream_{place}"],
            "name": f"earwitness {stream}",
            "manufacturer": "earwitness",
            "via_device": names.node,
        },
    }
    yield (
        "sensor",
        f"stream_{place}_speaker",
        {
            "name": "Speaker",
            "icon": "mdi:account-voice",
            "state_topic": names.stream(stream, "speaker"),
            "json_attributes_topic": names.stream(stream, "speaker/attributes"),
            **common,
        },
    )
    yield (
        "binary_sensor",
        f"stream_{place}_speech",
        {
            "name": "Speech",
            "device_class": "sound",
            "state_topic": names.stream(stream, "speech"),
            **common,
        },
    )
    yield (
        "sensor",
        f"stream_{place}_level",
        {
            "name": "Level",
            "icon": "mdi:volume-high",
            "state_topic": names.stream(stream, "level"),
            "unit_of_measurement": "dBFS",
            "state_class": "measurement",
            "entity_category": "diagnostic",
            "enabled_by_default": False,  # it changes each second
            **common,
        },
    )


def _person(name: str, names: Names) -> tuple[str, str, Fields]:
    fields: Fields = {
        "name": f"{name} verified",
        "icon": "mdi:account-check",
        "device_class": "occupancy",
        "state_topic": names.person(name, "verified"),
        "json_attributes_topic": names.person(name, "verified/attributes"),
        "availability": [{"topic": names.status}],
        "device": _device(names),
    }
    return "binary_sensor", f"person_{slug(name)}_verified", fields


def _group(name: str, names: Names, *, watchlist: bool) -> tuple[str, str, Fields]:
    topic = names.group(name, watchlist=watchlist)
    fields: Fields = {
        "name": f"{name} {said_of(watchlist)}",
        "icon": "mdi:account-alert" if watchlist else "mdi:account-group",
        "state_topic": topic,
        "json_attributes_topic": f"{topic}/attributes",
        "availability": [{"topic": names.status}],
        "device": _device(names),
        **({} if watchlist else {"device_class": "occupancy"}),
    }
    kind = "watchlist" if watchlist else "group"
    return "binary_sensor", f"{kind}_{slug(name)}_{said_of(watchlist)}", fields


def _device(names: Names) -> Fields:
    return {"identifiers": [names.node], "name": names.node, "manufacturer": "earwitness"}
