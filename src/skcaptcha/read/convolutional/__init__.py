"""A convolutional network over the columns of images: its training and its decoding."""
