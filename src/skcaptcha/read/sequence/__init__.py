"""Sequence decoding: overlapping candidates to strings, and forced alignment for training."""
