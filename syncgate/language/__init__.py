"""What people read, in Chinese and English. Imports nothing of the engine."""

from syncgate.language.catalogue import in_chinese, in_language, piece
from syncgate.language.choice import LANGUAGES, Language, of_environment, preferred
from syncgate.language.reconciling import reconciled
from syncgate.language.said import Said
from syncgate.language.standing import Ended, Standing, Waiting
from syncgate.language.words import label, word

__all__ = [
    "LANGUAGES",
    "Ended",
    "Language",
    "Said",
    "Standing",
    "Waiting",
    "in_chinese",
    "in_language",
    "label",
    "of_environment",
    "piece",
    "preferred",
    "reconciled",
    "word",
]
