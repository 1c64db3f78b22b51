// The first suite of this target takes this place.
