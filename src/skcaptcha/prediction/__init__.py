"""Reading any number of images: find them, stream their readings, write tables and resume them."""

from skcaptcha.prediction._cluster_connection import connect_to_cluster
from skcaptcha.prediction._count_training_images import count_training_images
from skcaptcha.prediction._cut_captchas import CutCaptchas, cut_captchas
from skcaptcha.prediction._find_images import find_images, input_paths
from skcaptcha.prediction._outlier_watch import OutlierWatch
from skcaptcha.prediction._read_images import read_images
from skcaptcha.prediction._write_readings import WrittenReadings, table_row, write_readings

__all__ = [
    "CutCaptchas",
    "OutlierWatch",
    "WrittenReadings",
    "connect_to_cluster",
    "count_training_images",
    "cut_captchas",
    "find_images",
    "input_paths",
    "read_images",
    "table_row",
    "write_readings",
]
