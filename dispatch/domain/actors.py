"""Who acts on an incident: the holder of a key by name, a duty contact by reference."""

from uuid import UUID

RENFORT = "renfort"
"""The name of the actor in events that no human caused."""
_DUTY = "duty:"


def duty_actor(contact_id: UUID) -> str:
    """Return a duty contact as events name those who act; a name is personal and rides on no topic."""
    return f"{_DUTY}{contact_id}"


def duty_contact(actor: str | None) -> UUID | None:
    """Return the id of the duty contact whom an event names; None where it names anybody else."""
    if actor is None or not actor.startswith(_DUTY):
        return None
    try:
        return UUID(actor.removeprefix(_DUTY))
    except ValueError:
        return None
