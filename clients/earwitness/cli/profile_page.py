"""One person on a page: what the profile rests on, how good it is, and what would make it better."""

from __future__ import annotations

from rich.padding import Padding
from rich.text import Text

from .. import palette
from ..control import Exemplar, Profile
from ..words import ABSENT, clean, day, number, sessions, span
from .terms import terms

VERDICTS = {"good": palette.GOOD, "fair": palette.WARN, "poor": palette.BAD}


def page(person: Profile) -> list[Text | Padding]:
    """From the verdict down to what to do."""
    return [
        _heading(person),
        *_facts(person),
        Text(),
        Text("sessions", "bold"),
        *(line for session in person.exemplars for line in _session(session)),
        *_list("what speaks against it", person.findings, palette.WARN),
        *_list("what would make it better", person.advice, palette.DIM),
    ]


def _heading(person: Profile) -> Text:
    heading = Text.assemble((clean(person.name), "bold"))
    if person.verdict:
        heading.append(f"  {person.verdict} profile", VERDICTS.get(person.verdict, ""))
    speech_s = sum(session.speech_s for session in person.exemplars if session.usable)
    heading.append(
        f"  {sessions(len(person.exemplars))}, {span(speech_s)} of speech, since {day(person.created)}",
        palette.DIM,
    )
    return heading


def _facts(person: Profile) -> list[Text]:
    facts = [("closest other", _closest(person)), ("verified", _point(person))]
    if person.groups:
        facts.append(("groups", ", ".join(map(clean, person.groups))))
    facts.append(("model", clean(person.model_id)))
    facts += terms(person.custody)
    return [Text.assemble((f"  {name:14}", palette.DIM), said) for name, said in facts if said]


def _closest(person: Profile) -> str:
    if person.nearest is None:
        return "nobody else is enrolled with this model"
    name = clean(person.nearest)
    if person.nearest_llr is None:
        return f"{name}, cosine {number(person.nearest_cosine)}"
    evidence, bound = number(person.nearest_llr, "+.1f"), number(person.nearest_bound, "+.1f")
    return f"{name}, evidence {evidence} nats ({bound} counts as the same voice)"


def _point(person: Profile) -> str:
    own = {
        "target_fmr": person.target_fmr,
        "target_fnmr": person.target_fnmr,
        "prior": person.prior,
    }
    said = ", ".join(f"{name} {value:g}" for name, value in own.items() if value is not None)
    own_point = f" (own {said})" if said else ""
    if person.llr_bound is None:
        return "by cosine" + own_point
    return f"from {number(person.llr_bound, '+.1f')} nats of evidence on{own_point}"


def _session(session: Exemplar) -> list[Text | Padding]:
    source = f"  {clean(session.source)}, {day(session.created)}"
    head = Text.assemble((f"{session.session:>4}", "bold"), source, (f"  {_channel(session)}", palette.DIM))
    if not session.usable:
        head.append(f"  of model {clean(session.model_id)}: enrol again", palette.WARN)
    figures = [
        f"{span(session.speech_s)} of speech",
        f"SNR {number(session.snr_db, '.0f')} dB",
        f"consistency {_likeness(session.consistency_llr, session.consistency)}",
    ]
    if session.agreement_cosine is not None:
        figures.append(f"with the others {_likeness(session.agreement_llr, session.agreement_cosine)}")
    return [head, Padding(Text(" · ".join(figures), palette.DIM), (0, 0, 0, 6), expand=False)]


def _channel(session: Exemplar) -> str:
    rate = f"{session.native_rate / 1000:g} kHz" if session.native_rate else ""
    known = [clean(each) for each in (session.label, session.channel or "", rate) if each]
    return " · ".join(known) or ABSENT


def _likeness(llr: float | None, cosine: float | None) -> str:
    return f"{number(llr, '+.1f')} nats" if llr is not None else number(cosine)


def _list(title: str, lines: list[str], style: str) -> list[Text | Padding]:
    if not lines:
        return []
    said = [Padding(Text(f"· {clean(line)}", style), (0, 0, 0, 2), expand=False) for line in lines]
    return [Text(), Text(title, "bold"), *said]
