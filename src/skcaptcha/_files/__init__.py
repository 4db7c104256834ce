"""Files: written atomically, by one process at a time, and read within limits."""
