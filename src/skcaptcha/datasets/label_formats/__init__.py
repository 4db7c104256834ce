"""Formats of label files: each module reads one."""
