"""A run as a page of HTML that needs nothing else: what stands in it, and how it is written."""

from .document import document_of, importance_of
from .page import json_of, page, script, shell, style
from .writing import write

__all__ = ["document_of", "importance_of", "json_of", "page", "script", "shell", "style", "write"]
