"""Parts of the benchmark of few labels, with and without images that have none."""
