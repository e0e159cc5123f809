"""Whether what is set about shared profiles fits together, and to the rest."""

from __future__ import annotations

from earwitnessd.settings.root import Settings
from earwitnessd.settings.sharing import FollowSettings
from earwitnessd.settings.validate import SettingsError


def check_sharing(settings: Settings) -> None:
    """SettingsError for what would leave people behind, or let them out."""
    if settings.share:
        _check_share(settings)
    if settings.follow:
        _check_follow(settings, settings.follow)


def _check_share(settings: Settings) -> None:
    sockets, templates = settings.sockets, settings.templates
    if not sockets.control.startswith("tcp://") or not sockets.curve or not sockets.curve.followers:
        raise SettingsError(
            "share: daemons follow over tcp with keys: set sockets.control: tcp://ADDRESS:PORT and "
            "sockets.curve.followers, a directory with their public keys"
        )
    if not templates.allow_export:
        raise SettingsError(
            "templates.allow_export = false: no template may leave this machine, but `share` sends them to "
            "daemons that follow; leave one of the two out"
        )
    if templates.forget_after_days_unheard:
        raise SettingsError(
            f"templates.forget_after_days_unheard = {templates.forget_after_days_unheard:g}: who is heard by "
            "daemons that follow is not known here, and would be deleted everywhere; use keep_days instead"
        )


def _check_follow(settings: Settings, follow: FollowSettings) -> None:
    if not follow.writer.startswith("tcp://"):
        raise SettingsError(
            f"follow.writer = {follow.writer!r}: must be tcp://ADDRESS:PORT, the writer's sockets.control"
        )
    if settings.share:
        raise SettingsError(
            "share: a daemon that follows another shares nothing: let all follow the same one"
        )
    templates = settings.templates
    for key in ("keep_days", "forget_after_days_unheard"):
        if days := getattr(templates, key):
            raise SettingsError(
                f"templates.{key} = {days:g}: with `follow` the writer says for how long people are kept; "
                "set it there"
            )
