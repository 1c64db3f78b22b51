"""A simulated Argo Workflows cluster: the Argo Server's API and Kubernetes' over one store of workflows."""

import pathlib
import sys

# The kit lies beside this package's folder; a checkout needs no installation.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "SimulatorKit"))
