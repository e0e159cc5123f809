"""The card of an imported model: where it came from and what is known of it, for people."""

from __future__ import annotations

from earwitnessd.models.record import Record

CARD = "README.md"


def written_card(record: Record) -> str:
    """In Markdown."""
    rows = {
        "Family": record.family,
        "Made from": record.source,
        "SHA-256 of that file": record.source_sha256,
        "Published error rate": record.published or "none known for a file of this name",
        "Licence": record.licence,
    }
    facts = "\n".join(f"- {key}: {value}" for key, value in rows.items() if value)
    parts = [f"# {record.name}\n\nImported by `earwitnessd model import`.\n\n{facts}\n"]
    if record.warning:
        parts.append(f"**Beware:** {record.warning}.\n")
    if record.assumed:
        taken = "\n".join(f"- `{each}`" for each in record.assumed)
        parts.append(f"The file does not say these; they are those of the published models:\n\n{taken}\n")
    if record.left_aside:
        left = "\n".join(f"- `{each}`" for each in record.left_aside)
        parts.append(f"Weights of the file that are not part of the embedding:\n\n{left}\n")
    return "\n".join(parts)
