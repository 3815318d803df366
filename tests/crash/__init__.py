"""Real crashes: what every system holds in the end is compared with what was accepted, by the independent reader."""
