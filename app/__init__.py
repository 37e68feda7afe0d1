"""Spor: feedback-informed-treatment outcome tracking."""

import os

# Before numpy is loaded. Our matrices are at most some dozens wide, and requests have threads of their own: threads
# of BLAS beside them only wait for each other (a verdict on 20 scores took 12 ms with two, 0.9 ms with one).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
