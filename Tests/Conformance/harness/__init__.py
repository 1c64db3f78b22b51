"""What the suites stand on: the programs under test, data to send, and ways to misbehave on a wire."""
