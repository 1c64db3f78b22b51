// Filled in by the first double of this target.
