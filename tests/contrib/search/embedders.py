"""An embedder for tests: texts with the same words have the same vector, and similar texts have similar ones."""

import re
from collections.abc import Sequence
from hashlib import sha256

calls: list[int] = []
"""How many texts each call of ``embed`` had."""


class Hashed:
    name = "hashed-1"
    dimensions = 32

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        calls.append(len(texts))
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        vector = [0.0] * self.dimensions
        for word in re.findall(r"\w+", text.lower()):
            digest = sha256(word.encode()).digest()
            for place in range(0, 8, 2):
                vector[digest[place] % self.dimensions] += 1.0 if digest[place + 1] % 2 else -1.0
        return vector
