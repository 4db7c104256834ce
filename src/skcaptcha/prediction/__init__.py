"""Read any number of images: find them, stream their readings, write tables that can be resumed."""

from skcaptcha.prediction._cluster_connection import connect_to_cluster

__all__ = ["connect_to_cluster"]
