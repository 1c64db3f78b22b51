"""Pictures to process: small JPEGs with EXIF positions, one of 30 MB, and ground control points; always the same bytes."""

import hashlib
import io
import random

import piexif
from PIL import Image


def _degrees(value):
    degrees = int(value)
    minutes = int((value - degrees) * 60)
    seconds = round(((value - degrees) * 60 - minutes) * 60 * 10000)
    return ((degrees, 1), (minutes, 1), (seconds, 10000))


def _exif(number):
    """EXIF of the picture `number` of a flight over a field: rows of eight, about ten metres apart."""
    latitude = 46.5 + (number // 8) * 0.0001
    longitude = 6.5 + (number % 8) * 0.0001
    return piexif.dump(
        {
            "0th": {piexif.ImageIFD.Make: b"Example", piexif.ImageIFD.Model: b"Flyer 1"},
            "Exif": {
                piexif.ExifIFD.DateTimeOriginal: b"2026:05:04 10:%02d:%02d" % (number // 60 % 60, number % 60),
                piexif.ExifIFD.FocalLength: (45, 10),
            },
            "GPS": {
                piexif.GPSIFD.GPSLatitudeRef: b"N",
                piexif.GPSIFD.GPSLatitude: _degrees(latitude),
                piexif.GPSIFD.GPSLongitudeRef: b"E",
                piexif.GPSIFD.GPSLongitude: _degrees(longitude),
                piexif.GPSIFD.GPSAltitudeRef: 0,
                piexif.GPSIFD.GPSAltitude: (500 + number, 1),
            },
        }
    )


def jpeg(number, size=(96, 64)):
    """The bytes of the small picture `number`; no two numbers have the same."""
    noise = random.Random(number).randbytes(size[0] * size[1] * 3)
    buffer = io.BytesIO()
    Image.frombytes("RGB", size, noise).save(buffer, "JPEG", quality=85, exif=_exif(number))
    return buffer.getvalue()


def large_jpeg(number=999, least=30_000_000):
    """A picture of at least 30 MB."""
    data = jpeg(number, size=(5600, 4000))
    if len(data) < least:
        # A decoder ignores what follows the end of the picture.
        data += random.Random(number + 1).randbytes(least - len(data))
    return data


GCP = b"""+proj=utm +zone=32 +ellps=WGS84 +datum=WGS84 +units=m +no_defs
308000.00 5153000.00 500.00 40 30 IMG_0001.JPG gcp01
308010.00 5153010.00 501.00 20 10 IMG_0002.JPG gcp02
308020.00 5153000.00 502.00 60 50 IMG_0003.JPG gcp03
"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Flight:
    """Forty pictures, a large one and a GCP file in a folder."""

    def __init__(self, folder, count=40):
        self.folder = folder
        self.small = []
        for number in range(1, count + 1):
            self.small.append(self._write(f"IMG_{number:04d}.JPG", jpeg(number)))
        self.large = self._write("IMG_9999.JPG", large_jpeg())
        self.gcp = self._write("gcp_list.txt", GCP)
        self.everything = [*self.small, self.large, self.gcp]
        self.checksums = {path.name: sha256(path.read_bytes()) for path in self.everything}

    def _write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path
