"""Property tests here judge what is decided, never how fast a busy machine decides it."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
