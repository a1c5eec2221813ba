"""Ingests into the database that the environment names, slowly, so that it can be killed: ``python -m tests.contrib.rag.kills``."""

import time
from collections.abc import Sequence

from django_matt.contrib.rag.embedders import HashEmbedder

TEXTS = 60


class SlowEmbedder(HashEmbedder):
    """Takes some time for each batch, as a model does."""

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        time.sleep(0.1)
        return super().embed(texts)


def text_of(number: int) -> str:
    words = " ".join(f"word{number * 40 + each}" for each in range(40))
    return f"# Page {number}\n\n{words}\n\n## More\n\nAlso {words}\n"


def main() -> None:
    import django

    django.setup()
    from django_matt.contrib.rag.ingestion import Document, ingest

    pages = [Document(uri=f"{n}.md", content=text_of(n)) for n in range(TEXTS)]
    ingest(pages, tenant="")


if __name__ == "__main__":
    main()
