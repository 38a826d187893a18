"""The tools that detection is compared with; they live in an environment of their own (`make peers`)."""
