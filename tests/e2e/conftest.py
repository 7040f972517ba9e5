"""What a story needs by name; the fixtures are everybody's, in tests/fixtures/system.py."""

from tests.fixtures.system import START, BrandOf

__all__ = ["START", "BrandOf"]
