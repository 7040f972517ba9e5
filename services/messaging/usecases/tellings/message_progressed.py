"""What became of messages, as it was said."""

from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.replay import kept

telling = kept(MessageProgressed)
