"""The chaos suite: many tasks over several gateways and all kinds of backends while parts of it are killed, frozen and cut off.

`schedule` derives from a seed what clients send and what breaks when, `setting` starts the programs, `faults` breaks them, `clients`
are the tasks' owners, `operator` does what a person would have to do, and `verdict` looks at what came out.
"""
