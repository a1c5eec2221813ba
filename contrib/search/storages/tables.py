"""What the storages of both databases share: the names of the tables, and the statement that ranks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from django_matt.contrib.search.definitions import Definition
from django_matt.contrib.search.questions import Question

__all__ = ["CLOSE", "OPEN", "Hit", "Ranking", "Storage", "Vector"]

OPEN, CLOSE = "\x02", "\x03"
"""What surrounds a found word in a snippet until it is escaped: no text that people read has these."""

FUSION_CONSTANT = 10
"""The constant of reciprocal rank fusion: 1 / (10 + place). 60 is usual, for lists of a thousand; ours have a hundred."""

_MAX_NAME = 63


class Hit(NamedTuple):
    """A found object: its key as the database stores it, its rank (higher is better), and a piece of its text."""

    key: Any
    rank: float
    snippet: str


class Vector(NamedTuple):
    """A vector to store: the key of its object, the digest of the text that it was made of, and its numbers."""

    key: Any
    digest: str
    numbers: Sequence[float]


@dataclass(frozen=True)
class Ranking:
    """What to search for: words, a vector, or both, within a scope and filters.

    ``scope`` is a statement that selects keys. ``filters`` are columns with their values as the database takes them.
    ``weight`` is that of the vector beside the words, whose weight is 1. With ``prefix``, all words must match, the last by
    its beginning. ``depth`` is how many the words and the vector contribute to the fusion.
    """

    question: Question
    scope: str
    scope_params: Sequence[Any]
    limit: int
    depth: int
    vector: Sequence[float] | None = None
    embedder: str = ""
    use_words: bool = True
    prefix: bool = False
    weight: float = 1.0
    filters: Mapping[str, list[Any]] = field(default_factory=dict)


class Storage:
    """The tables of one index in one database."""

    def __init__(self, definition: Definition, connection: Any) -> None:
        """Take the definition, and the connection to the database."""
        self.definition = definition
        self.connection = connection
        self.words = _shorten(f"{definition.table}_search_words")
        self.vectors = _shorten(f"{definition.table}_search_vectors")
        self.trigger = _shorten(f"{definition.table}_search", f"_{definition.digest}")

    # The tables

    def create(self, execute: Any) -> None:
        """Create the tables and triggers, and index the rows that there are."""
        raise NotImplementedError

    def drop(self, execute: Any) -> None:
        """Drop whatever an index of the model has, whichever definition it had."""
        raise NotImplementedError

    def create_triggers(self, execute: Any) -> None:
        """Create the triggers, instead of those of any definition."""
        raise NotImplementedError

    def index_words(self, execute: Any) -> None:
        """Index the words of all rows, while nobody else writes."""
        raise NotImplementedError

    def has_tables(self) -> bool:
        """Tell whether there is an index of the model, of this definition or an earlier one."""
        with self.connection.cursor() as cursor:
            return self.words in self.connection.introspection.table_names(cursor)

    def fits(self) -> bool:
        """Tell whether the tables were created for this definition."""
        return self.is_current()

    def is_current(self) -> bool:
        """Tell whether the triggers of this definition exist."""
        raise NotImplementedError

    def count(self) -> tuple[int, int]:
        """Return how many objects there are, and how many of them are indexed."""
        counts = [
            f"(SELECT count(*) FROM {self.quote(table)})"  # noqa: S608
            for table in (self.definition.table, self.words)
        ]
        (row,) = self.fetch(f"SELECT {', '.join(counts)}", [])
        return row[0], row[1]

    def count_vectors(self) -> tuple[tuple[str, int], ...]:
        """Return the names of the embedders with the numbers of their vectors."""
        if not self.definition.dimensions:
            return ()
        table = self.quote(self.vectors)
        statement = f"SELECT embedder, count(*) FROM {table} GROUP BY embedder ORDER BY embedder"  # noqa: S608
        return tuple((name, count) for name, count in self.fetch(statement, []))

    # Vectors

    def built_vectors(self, embedder: str) -> bool:
        """Tell whether there are vectors of the embedder, and none of another that a rebuild has not replaced yet."""
        table = self.quote(self.vectors)
        statement = (
            f"SELECT EXISTS (SELECT 1 FROM {table} WHERE embedder = %s) "  # noqa: S608
            f"AND NOT EXISTS (SELECT 1 FROM {table} WHERE embedder < %s OR embedder > %s)"
        )
        return bool(self.fetch(statement, [embedder] * 3)[0][0])

    def digests(self, embedder: str, keys: Sequence[Any]) -> dict[Any, str]:
        """Return the digests of the stored vectors of the keys."""
        marks = ", ".join(["%s"] * len(keys))
        statement = (
            f"SELECT object_id, digest FROM {self.quote(self.vectors)} "  # noqa: S608
            f"WHERE embedder = %s AND object_id IN ({marks})"
        )
        return dict(self.fetch(statement, [embedder, *keys]))

    def write_vectors(
        self, embedder: str, vectors: Iterable[Vector], *, wait: bool = False
    ) -> list[Vector]:
        """Store vectors, each with what the filters of its object are now, and return those that were not stored.

        Objects that were deleted get none. Those that another transaction is writing get one only with ``wait``: a caller that
        has locked other objects could be waited for by that transaction, and one of the two would fail.
        """
        quote, chosen = self.quote, self.definition.filters
        columns = ["object_id", "embedder", "digest", "embedding", *chosen]
        selected = [f"t.{quote(self.definition.key)}", "%s", "%s", self.vector_mark]
        selected += [f"t.{quote(each)}" for each in chosen]
        updated = [f"{quote(each)} = excluded.{quote(each)}" for each in columns[2:]]
        statement = (
            f"INSERT INTO {quote(self.vectors)} ({', '.join(map(quote, columns))}) "  # noqa: S608
            f"SELECT {', '.join(selected)} FROM {quote(self.definition.table)} t "
            f"WHERE t.{quote(self.definition.key)} = %s{self.lock if wait else self.try_lock} "
            f"ON CONFLICT (embedder, object_id) DO UPDATE SET {', '.join(updated)}"
        )
        with self.connection.cursor() as cursor:
            left = []
            for each in vectors:
                value = self.vector_value(each.numbers)
                cursor.execute(statement, [embedder, each.digest, value, each.key])
                if cursor.rowcount == 0:
                    left.append(each)
            return left

    def delete_vectors(self, embedder: str, keys: Sequence[Any]) -> None:
        """Delete the vectors of the keys."""
        marks = ", ".join(["%s"] * len(keys))
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {self.quote(self.vectors)} "  # noqa: S608
                f"WHERE embedder = %s AND object_id IN ({marks})",
                [embedder, *keys],
            )

    def forget_vectors(self, embedder: str) -> int:
        """Delete the vectors of all other embedders, and return how many there were."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {self.quote(self.vectors)} WHERE embedder <> %s",  # noqa: S608
                [embedder],
            )
            return int(cursor.rowcount)

    # Ranking

    vector_mark = "%s"
    lock = try_lock = ""

    def vector_value(self, numbers: Sequence[float]) -> Any:
        """Return a vector as a parameter."""
        raise NotImplementedError

    def words_query(self, ranking: Ranking) -> tuple[str, list[Any]] | None:
        """Return a query of ``object_id`` and ``score``, the best first; None if the question has no word to search for."""
        raise NotImplementedError

    def vectors_query(
        self, ranking: Ranking, vector: Sequence[float], *, exact: bool
    ) -> tuple[str, list[Any]]:
        """Return a query of ``object_id`` and ``distance``, the nearest first."""
        raise NotImplementedError

    def snippet(self, ranking: Ranking) -> tuple[str, list[Any]]:
        """Return an expression of a piece of the text of ``t``, the row of the model."""
        raise NotImplementedError

    def rank(self, ranking: Ranking) -> list[Hit]:
        """Return the best objects, at most ``limit``, in one statement."""
        return self.run(ranking, exact=False)

    def run(self, ranking: Ranking, *, exact: bool) -> list[Hit]:
        """Run the statement; with ``exact``, without an index of vectors."""
        lists, params = [], []
        words = self.words_query(ranking) if ranking.use_words else None
        if words is not None:
            lists.append(f"words AS ({words[0]})")
            params += words[1]
        if ranking.vector is not None:
            nearest, more = self.vectors_query(ranking, ranking.vector, exact=exact)
            lists.append(f"nearest AS ({nearest})")
            params += more
        if not lists:
            return []
        fused, more = _fuse(words is not None, ranking)
        params += more
        snippet, more = self.snippet(ranking)
        params += more
        key = self.quote(self.definition.key)
        statement = (
            f"WITH {', '.join(lists)}, "  # noqa: S608
            f"found AS ({fused} ORDER BY score DESC, object_id LIMIT {ranking.limit:d}) "
            f"SELECT found.object_id, found.score, {snippet} "
            f"FROM found JOIN {self.quote(self.definition.table)} t ON t.{key} = found.object_id "
            "ORDER BY found.score DESC, found.object_id"
        )
        return [Hit(*row) for row in self.fetch(statement, params)]

    def within(self, ranking: Ranking, table: str) -> tuple[str, list[Any]]:
        """Return the condition that a row of a side table is in the scope and obeys the filters."""
        conditions = [f"{table}.object_id IN ({ranking.scope})"]
        params = list(ranking.scope_params)
        for column, values in ranking.filters.items():
            name = f"{table}.{self.quote(column)}"
            given = [value for value in values if value is not None]
            parts = [f"{name} IS NULL"] * (len(given) < len(values))
            if given or not values:
                # An empty list matches nothing.
                parts.append(f"{name} IN ({', '.join(['%s'] * len(given)) or 'NULL'})")
            conditions.append(f"({' OR '.join(parts)})")
            params += given
        return " AND ".join(conditions), params

    def fetch(self, statement: str, params: Sequence[Any]) -> list[Any]:
        """Run a statement, and return its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, params)
            rows: list[Any] = cursor.fetchall()
            return rows

    def quote(self, name: str) -> str:
        """Quote a name of the database."""
        quoted: str = self.connection.ops.quote_name(name)
        return quoted


def _fuse(has_words: bool, ranking: Ranking) -> tuple[str, list[Any]]:
    """Return a query of ``object_id`` and ``score`` of one list, or of both by reciprocal rank fusion.

    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009.
    """
    if ranking.vector is None:
        return "SELECT object_id, score FROM words", []
    if not has_words:
        return "SELECT object_id, 1 - distance AS score FROM nearest", []
    by_words = "row_number() OVER (ORDER BY score DESC, object_id)"
    by_vectors = "row_number() OVER (ORDER BY distance, object_id)"
    places = (
        f"SELECT object_id, 1.0 / ({FUSION_CONSTANT} + {by_words}) AS part FROM words UNION ALL "  # noqa: S608
        f"SELECT object_id, %s / ({FUSION_CONSTANT} + {by_vectors}) AS part FROM nearest"
    )
    fused = f"SELECT object_id, sum(part) AS score FROM ({places}) parts GROUP BY object_id"  # noqa: S608
    return fused, [float(ranking.weight)]


def _shorten(name: str, ending: str = "") -> str:
    """Return a name that PostgreSQL does not cut off."""
    if len(name) + len(ending) <= _MAX_NAME:
        return name + ending
    kept = _MAX_NAME - len(ending) - 9
    return f"{name[:kept]}_{sha256(name.encode()).hexdigest()[:8]}{ending}"
