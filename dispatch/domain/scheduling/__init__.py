"""When: windows, quiet hours, reminders, local time, and how missions end."""
