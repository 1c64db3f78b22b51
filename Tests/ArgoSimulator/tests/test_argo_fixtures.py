"""The manifests that the gateway's own tests keep as fixtures, before the strictest judge there is."""

from __future__ import annotations

import json
import pathlib

import pytest
from argo_simulator import validation

_FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Fixtures" / "argo"


@pytest.mark.parametrize("path", sorted(_FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_a_manifest_of_the_gateway_is_valid(path):
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert validation.checked_manifest(manifest) is manifest
    validation.check_name(manifest["metadata"])
