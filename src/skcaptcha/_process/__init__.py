"""The process that a command runs in: how it starts, ends, is interrupted, and computes."""
