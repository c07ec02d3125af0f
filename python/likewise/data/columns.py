"""Which column holds what: the five roles, and the names they go by."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Literal

Role = Literal["user", "item", "rating", "timestamp", "event"]
ROLES: tuple[Role, ...] = ("user", "item", "rating", "timestamp", "event")
Named = Mapping[str, "str | int | None"]
Places = dict[Role, int]

logger = logging.getLogger("likewise")

# In order of preference; compared without case, "_", "-" and spaces.
_SPELLINGS = """
user userid user uid sessionid session customerid customer visitorid visitor reviewerid memberid member accountid
item itemid item iid movieid movie productid product asin artistid artist bookid book isbn songid song trackid track
item articleid article videoid video appid app gameid game businessid business newsid
rating rating ratings weight score stars overall preference
timestamp timestamp unixreviewtime datetime time ts date eventtime createdat
event event eventtype action behavior behaviour behaviortype
"""
_NAMES = {
    role: [name for line in _SPELLINGS.splitlines() if line.startswith(f"{role} ") for name in line.split()[1:]]
    for role in ROLES
}


def plain_name(name: str) -> str:
    """A column name without RecBole's `:type` and without spaces around it."""
    return name.strip().split(":", 1)[0].strip()


def _key(name: str) -> str:
    return plain_name(name).lower().replace("_", "").replace("-", "").replace(" ", "")


def is_known(name: str) -> bool:
    """Whether a name says user, item, rating, timestamp or event."""
    return any(_key(name) in names for names in _NAMES.values())


def find_columns(names: Sequence[str], named: Named, source: str) -> Places:
    """The place of each role among a source's columns: as named, else recognised by name.

    Args:
        names: The source's columns.
        named: What the caller gave for each role: a name, a place from 0, or None.
        source: What to call the source in messages.

    Raises:
        ValueError: If a column named is not there, two roles take one column, or users or items are not recognised.
    """
    places: Places = {}
    recognised = []
    for role in ROLES:
        given = named.get(role)
        if given is not None:
            places[role] = _given_place(role, given, names, source)
    for role in ROLES:
        if role in places:
            continue
        free = {_key(name): place for place, name in reversed(list(enumerate(names))) if place not in places.values()}
        place = next((free[name] for name in _NAMES[role] if name in free), None)
        if place is not None:
            places[role] = place
            recognised.append(role)
    for role in ("user", "item"):
        if role not in places:
            listed = ", ".join(repr(name) for name in names)
            raise ValueError(f"{role}: no column of {source} is recognised; name one of {listed} with {role}=")
    _refuse_shared(places, names, source)
    if recognised:
        said = ", ".join(f"{role} = {names[places[role]]!r}" for role in recognised)
        logger.info("%s: columns recognised: %s", source, said)
    return places


def _given_place(role: Role, given: str | int, names: Sequence[str], source: str) -> int:
    listed = ", ".join(repr(name) for name in names)
    if isinstance(given, str):
        for spelling in (str, plain_name, _key):
            matches = [place for place, name in enumerate(names) if spelling(name) == spelling(given)]
            if len(matches) == 1:
                return matches[0]
        raise ValueError(f"{role}: no column {given!r} in {source}, which has {listed}")
    if isinstance(given, bool) or not isinstance(given, int):
        raise TypeError(f"{role}: takes a column's name or its place from 0, got {given!r}")
    if not -len(names) <= given < len(names):
        raise ValueError(f"{role}: no column {given} in {source}, which has {len(names)}: {listed}")
    return given % len(names)


def _refuse_shared(places: Places, names: Sequence[str], source: str) -> None:
    taken: dict[int, Role] = {}
    for role, place in places.items():
        if place in taken:
            raise ValueError(f"{taken[place]} and {role} are both column {names[place]!r} of {source}")
        taken[place] = role
