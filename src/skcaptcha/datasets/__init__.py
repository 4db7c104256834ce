"""Captchas to work with: labelled folders, generators, character folders."""
