"""What supervisors are told and do: steps, escalations, acts, what comes next."""
