"""The process in which a command runs: its start and end, interrupts, imports, and workers."""
