"""What the simulators of HTTP services share: a server that can misbehave, a journal, and a life as a program."""
