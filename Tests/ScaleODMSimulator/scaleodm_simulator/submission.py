"""The JSON body of `POST /task/new`, checked field by field as ScaleODM checks it."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import re
from typing import Any

from simulator_kit.bucket import Place

from .problems import Problem, wrong

#: Fields and the JSON types that they take. An unknown field is refused.
_TYPES: dict[str, type | tuple[type, ...]] = {
    "name": str, "options": str, "webhook": str, "skipPostProcessing": bool, "zipurl": str, "readS3Path": str,
    "writeS3Path": str, "s3Endpoint": str, "s3Region": str, "dateCreated": (int, float), "processingMode": str,
    "capacityType": str, "odmImage": str, "s3ScanDepth": int, "excludePaths": list, "useDefaultExcludes": bool,
}
_RESERVED_MODES = ("merge-existing", "thermal", "city-scale")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
#: What earlier runs leave beside images; passed over unless `useDefaultExcludes` is false.
_DEFAULT_EXCLUDES = (
    "odm/**", "**/odm/**", "odm_orthophoto/**", "odm_dem/**", "odm_dem_tiles/**", "odm_texturing/**", "odm_texturing_25d/**",
    "odm_meshing/**", "odm_filterpoints/**", "odm_georeferencing/**", "odm_report/**", "images_resize/**",
    "entwine_pointcloud/**", "mapproxy/**", "submodels/**", "*-output/**", "thumbs/**", "**/thumbs/**", "all.zip", "**/all.zip",
)


@dataclasses.dataclass(frozen=True)
class Rules:
    """What this instance allows."""

    endpoint: str
    allowed_images: tuple[str, ...] = ("opendronemap/odm", "ghcr.io/opendronemap/odm")


@dataclasses.dataclass(frozen=True)
class Submission:
    """An accepted body."""

    name: str
    options: list[dict[str, Any]]
    source: Place
    target: Place
    webhook: str
    image: str
    scan_depth: int
    excludes: tuple[str, ...]

    def brings(self, name: str) -> bool:
        """Whether the pods bring an object of this name, below the input place, into their workspace."""
        return name.count("/") < self.scan_depth and not any(fnmatch.fnmatchcase(name, glob) for glob in self.excludes)


def parse(body: Any, rules: Rules, default_image: str) -> Submission:
    """Raises Problem for the first thing that is wrong."""
    if not isinstance(body, dict):
        raise Problem(422, "expected object", "body")
    _check_types(body)
    _check_choices(body, rules)
    source, target = _places(body)
    excludes = (*(body.get("excludePaths") or ()), *(_DEFAULT_EXCLUDES if body.get("useDefaultExcludes", True) else ()))
    return Submission(body.get("name") or "odm-project", _options(body.get("options")), source, target,
                      body.get("webhook", ""), body.get("odmImage") or default_image, body.get("s3ScanDepth", 1), excludes)


def _check_types(body: dict[str, Any]) -> None:
    for field, value in body.items():
        if field not in _TYPES:
            raise wrong(field, "unexpected property")
        boolean_for_number = isinstance(value, bool) and _TYPES[field] is not bool
        if not isinstance(value, _TYPES[field]) or boolean_for_number:
            raise wrong(field, f"expected {getattr(_TYPES[field], '__name__', 'number')}")


def _check_choices(body: dict[str, Any], rules: Rules) -> None:
    mode = body.get("processingMode", "standard")
    if mode in _RESERVED_MODES:
        raise Problem(501, f"processingMode {mode!r} is reserved and not implemented yet")
    if mode != "standard":
        raise wrong("processingMode", "expected value to be one of \"standard, merge-existing, thermal, city-scale\"")
    if body.get("capacityType", "spot") not in ("spot", "on-demand"):
        raise wrong("capacityType", "expected value to be one of \"spot, on-demand\"")
    if not 1 <= body.get("s3ScanDepth", 1) <= 10:
        raise wrong("s3ScanDepth", "expected number between 1 and 10")
    if body.get("name") and not _NAME.fullmatch(body["name"]):
        raise Problem(400, f"name {body['name']!r} contains characters that are not allowed")
    if body.get("s3Endpoint", rules.endpoint) != rules.endpoint:
        raise Problem(400, f"s3Endpoint {body['s3Endpoint']!r} is not in the allowlist")
    image = body.get("odmImage")
    if image and image.rsplit(":", 1)[0] not in rules.allowed_images:
        raise Problem(400, f"odmImage {image!r} is not from an allowed repository")
    if not all(isinstance(pattern, str) for pattern in body.get("excludePaths") or ()):
        raise wrong("excludePaths", "expected array of string")


def _places(body: dict[str, Any]) -> tuple[Place, Place]:
    """Where images are read and results written. `zipurl` is another name of the input, with another default output."""
    read = body.get("readS3Path") or body.get("zipurl")
    if not read:
        raise Problem(400, "readS3Path or zipurl is required")
    try:
        source = Place.parse(read)
        if body.get("writeS3Path"):
            target = Place.parse(body["writeS3Path"])
        elif body.get("readS3Path"):
            target = Place(source.bucket, source.prefix + "output/")
        else:
            target = Place(source.bucket, source.prefix.rstrip("/") + "-output/")
    except ValueError as error:
        raise Problem(400, f"{error}; only s3:// paths are supported") from None
    return source, target


def _options(text: str | None) -> list[dict[str, Any]]:
    try:
        options = json.loads(text or "[]")
    except ValueError:
        raise Problem(400, "options is not valid JSON") from None
    if not isinstance(options, list) or not all(isinstance(item, dict) and "name" in item for item in options):
        raise Problem(400, "options must be an array of {name, value}")
    return options
