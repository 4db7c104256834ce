"""The parts of the benchmark ``accuracy.py``."""
