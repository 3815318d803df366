"""Ways of telling people and programs something: a mail, a signed webhook. Each tells a message, or says why not."""

from syncgate.telling.mail import Mail
from syncgate.telling.message import Message, NotTold, Way
from syncgate.telling.webhook import Webhook

__all__ = ["Mail", "Message", "NotTold", "Way", "Webhook"]
