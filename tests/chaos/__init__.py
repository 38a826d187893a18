"""Faults under load: real broker, real processes, real signals, one checker (`python -m tests.chaos --help`)."""
