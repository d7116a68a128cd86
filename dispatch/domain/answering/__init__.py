"""What the answers of volunteers change: seats, arrivals, doubts, the waiting list."""
