"""Tells whoever asks what verdicts need: of a person, and of each group."""

from __future__ import annotations

import msgspec

from earwitness.control import Groups, GroupState, Profile
from earwitnessd.decide import Rules


def with_bound(profile: Profile, rules: Rules) -> Profile:
    """The same, with what the evidence for this person has to reach."""
    if rules.bounds is None or not any(exemplar.usable for exemplar in profile.exemplars):
        return profile
    return msgspec.structs.replace(profile, llr_bound=rules.bounds.accept_of(profile.name))


def groups_of(rules: Rules) -> Groups:
    """All that people belong to, and all that the settings name."""
    decided = {group.name: group for group in rules.groups}
    states = [
        GroupState(
            name=group.name,
            members=list(group.members),
            watchlist=group.watchlist,
            ttl_s=group.ttl_s,
            llr_bound=None if rules.bounds is None else group.accept,
        )
        for group in rules.groups
    ]
    states += [
        GroupState(
            name=name,
            members=[],
            watchlist=wish.watchlist,
            ttl_s=rules.ttl_s if wish.ttl_s is None else wish.ttl_s,
            llr_bound=None,
        )
        for name, wish in rules.wishes.items()
        if name not in decided
    ]
    return Groups(groups=sorted(states, key=lambda state: state.name))
