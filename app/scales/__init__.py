"""What one administration says: instruments, scoring, change. Pure."""
