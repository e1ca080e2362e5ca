"""ALTO's explicit interface: `write(queue, obj, id, constraints=[...])` and reading handles. docs/explicit.md."""

from alto_streams.explicit.handles import Message, Read, Write
from alto_streams.explicit.pipeline import ExplicitPipeline

__all__ = ["ExplicitPipeline", "Message", "Read", "Write"]
