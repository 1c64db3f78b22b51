"""A simulated ScaleODM instance: its own API, its habits, and a writer of results into S3."""

import pathlib
import sys

# The kit lies beside this package's folder; a checkout needs no installation.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "SimulatorKit"))
