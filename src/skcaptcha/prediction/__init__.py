"""Reading any number of images: find them, stream their readings, write tables and resume them."""

from skcaptcha.prediction._cluster_connection import connect_to_cluster
from skcaptcha.prediction._find_images import find_images
from skcaptcha.prediction._read_images import read_images
from skcaptcha.prediction._write_readings import WrittenReadings, write_readings

__all__ = [
    "WrittenReadings",
    "connect_to_cluster",
    "find_images",
    "read_images",
    "write_readings",
]
