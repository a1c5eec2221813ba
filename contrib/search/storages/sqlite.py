"""The index in SQLite: a table of FTS5, and vectors in an ordinary table, kept by triggers."""

import struct
from collections.abc import Sequence
from typing import Any

from django_matt.contrib.search.questions import without_stop_words
from django_matt.contrib.search.storages.distances import install_distance
from django_matt.contrib.search.storages.tables import CLOSE, OPEN, Hit, Ranking, Storage

__all__ = ["SqliteStorage"]

_WEIGHTS = {"A": 10.0, "B": 4.0, "C": 2.0, "D": 1.0}
_TRIGGERS = ("inserted", "updated", "deleted")


class SqliteStorage(Storage):
    """The tables of one index in SQLite.

    FTS5 needs a number of each row that never changes, which a table with a UUID as its key does not have: the table of words
    gives each object one. FTS5 has a copy of the texts, so that a row can be removed without knowing what it was.
    """

    @property
    def texts(self) -> str:
        """The table of FTS5 for searches."""
        return f"{self.words}_fts"

    @property
    def names(self) -> str:
        """The table of FTS5 for suggestions: words as they are written, found by their beginning."""
        return f"{self.words}_names"

    def create(self, execute: Any) -> None:
        """Create the tables and triggers, and index the rows that there are."""
        quote, definition = self.quote, self.definition
        key = definition.column_type(definition.key, self.connection)
        filters = "".join(
            f", {quote(each)} {definition.column_type(each, self.connection)}"
            for each in definition.filters
        )
        words, vectors = quote(self.words), quote(self.vectors)
        execute(
            # SQLite keeps the comment, by which the definition is known when the triggers are gone.
            f"CREATE TABLE {words} /* {definition.digest} */ (id integer PRIMARY KEY AUTOINCREMENT, object_id {key} NOT NULL UNIQUE{filters})"
        )
        columns = ", ".join(quote(column) for column, _ in definition.words)
        stems = "porter " if definition.language == "english" else ""
        execute(
            f"CREATE VIRTUAL TABLE {quote(self.texts)} USING fts5({columns}, "
            f"tokenize = '{stems}unicode61 remove_diacritics 2')"
        )
        named = ", ".join(map(quote, definition.names))
        execute(
            f"CREATE VIRTUAL TABLE {quote(self.names)} USING fts5({named}, prefix = '1 2 3', "
            "tokenize = 'unicode61 remove_diacritics 2')"
        )
        tables = [words]
        if definition.dimensions:
            execute(
                f"CREATE TABLE {vectors} (object_id {key} NOT NULL, embedder varchar(200) NOT NULL, "
                f"digest varchar(64) NOT NULL, embedding blob NOT NULL{filters}, "
                "PRIMARY KEY (embedder, object_id))"
            )
            execute(f"CREATE INDEX {quote(self.vectors + '_object')} ON {vectors} (object_id)")
            tables.append(vectors)
        for table in (self.words, self.vectors)[: len(tables)]:
            for column in definition.filters:
                execute(
                    f"CREATE INDEX {quote(f'{table}_{column}')} ON {quote(table)} ({quote(column)})"
                )
        self.create_triggers(execute)
        self.index_words(execute)

    def drop(self, execute: Any) -> None:
        """Drop the triggers and the tables."""
        self._drop_triggers(execute)
        for table in (self.texts, self.names, self.words, self.vectors):
            execute(f"DROP TABLE IF EXISTS {self.quote(table)}")

    def create_triggers(self, execute: Any) -> None:
        """Create the triggers, instead of those of any definition."""
        self._drop_triggers(execute)
        quote, table = self.quote, self.quote(self.definition.table)
        for name, (event, when, body) in zip(_TRIGGERS, self._bodies(), strict=True):
            execute(
                f"CREATE TRIGGER {quote(f'{self.trigger}_{name}')} AFTER {event} ON {table} "
                f"{when} BEGIN {body} END"
            )

    def index_words(self, execute: Any) -> None:
        """Index the words of all rows."""
        quote, definition, table = self.quote, self.definition, self.quote(self.definition.table)
        words = quote(self.words)
        for each in (words, quote(self.texts), quote(self.names)):
            execute(f"DELETE FROM {each}")  # noqa: S608
        numbered = ", ".join(["object_id", *map(quote, definition.filters)])
        filters = [quote(column) for column in definition.filters]
        key = quote(definition.key)
        selected = ", ".join([f"t.{key}", *(f"t.{each}" for each in filters)])
        execute(f"INSERT INTO {words} ({numbered}) SELECT {selected} FROM {table} t")  # noqa: S608
        for texts, columns in self._texts():
            copied = ", ".join(f"t.{each}" for each in columns)
            execute(
                f"INSERT INTO {texts} (rowid, {', '.join(columns)}) SELECT w.id, {copied} "  # noqa: S608
                f"FROM {table} t JOIN {words} w ON w.object_id = t.{key}"
            )

    def _texts(self) -> list[tuple[str, list[str]]]:
        """Return the tables of FTS5 with their columns."""
        columns = [self.quote(column) for column, _ in self.definition.words]
        return [
            (self.quote(self.texts), columns),
            (self.quote(self.names), [self.quote(column) for column in self.definition.names]),
        ]

    def _bodies(self) -> list[tuple[str, str, str]]:
        """Return the events, the conditions and the bodies of the triggers."""
        quote, definition = self.quote, self.definition
        words, vectors = quote(self.words), quote(self.vectors)
        key = quote(definition.key)
        columns = [quote(column) for column, _ in definition.words]
        filters = [quote(column) for column in definition.filters]
        names = ", ".join(["object_id", *filters])
        values = ", ".join([f"new.{key}", *(f"new.{each}" for each in filters)])

        def removed(row: str) -> str:
            number = f"(SELECT id FROM {words} WHERE object_id = {row}.{key})"  # noqa: S608
            statements = [
                f"DELETE FROM {texts} WHERE rowid = {number};"  # noqa: S608
                for texts, _ in self._texts()
            ]
            statements.append(f"DELETE FROM {words} WHERE object_id = {row}.{key};")  # noqa: S608
            return " ".join(statements)

        written = f"INSERT INTO {words} ({names}) VALUES ({values});"  # noqa: S608
        for texts, listed in self._texts():
            written += (
                f" INSERT INTO {texts} (rowid, {', '.join(listed)}) VALUES ("  # noqa: S608
                f"(SELECT id FROM {words} WHERE object_id = new.{key}), "
                f"{', '.join(f'new.{each}' for each in listed)});"
            )
        forgotten = kept = ""
        if definition.dimensions:
            forgotten = f"DELETE FROM {vectors} WHERE object_id = old.{key};"  # noqa: S608
            kept = f"DELETE FROM {vectors} WHERE object_id = old.{key} AND old.{key} <> new.{key};"  # noqa: S608
            if filters:
                copied = ", ".join(f"{each} = new.{each}" for each in filters)
                kept += f"UPDATE {vectors} SET {copied} WHERE object_id = new.{key};"  # noqa: S608
        used = [key, *columns, *filters]
        changed = " OR ".join(f"old.{each} IS NOT new.{each}" for each in used)
        return [
            # First removed: REPLACE INTO deletes a row without the trigger of deletes.
            ("INSERT", "", f"{removed('new')} {written}"),
            ("UPDATE", f"WHEN {changed}", f"{removed('old')} {written} {kept}"),
            ("DELETE", "", f"{removed('old')} {forgotten}"),
        ]

    def is_current(self) -> bool:
        """Tell whether the triggers of this definition exist. They go with the table that Django makes for an ``AlterField``."""
        marks = ", ".join(["%s"] * len(_TRIGGERS))
        statement = (
            f"SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN ({marks})"  # noqa: S608
        )
        names = [f"{self.trigger}_{name}" for name in _TRIGGERS]
        return self.fits() and bool(self.fetch(statement, names)[0][0] == len(_TRIGGERS))

    def fits(self) -> bool:
        """Tell whether the tables were created for this definition."""
        statement = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s"
        found = self.fetch(statement, [self.words])
        return bool(found) and f"/* {self.definition.digest} */" in found[0][0]

    def vector_value(self, numbers: Sequence[float]) -> Any:
        """Return a vector as 32-bit floats, as sqlite-vec reads them."""
        return struct.pack(f"<{len(numbers)}f", *numbers)

    def rank(self, ranking: Ranking) -> list[Hit]:
        """Rank; SQLite has no index of vectors, so the nearest are always exact."""
        if ranking.vector is not None:
            install_distance(self.connection)
        return super().rank(ranking)

    def words_query(self, ranking: Ranking) -> tuple[str, list[Any]] | None:
        """Return the matching rows, by BM25."""
        match = self._match(ranking)
        if match is None:
            return None
        texts = self._searched(ranking)
        weights = ", ".join(str(_WEIGHTS[weight]) for _, weight in self.definition.words)
        if ranking.prefix:
            weights = ", ".join("1.0" for _ in self.definition.names)
        condition, params = self.within(ranking, "w")
        statement = (
            f"SELECT w.object_id, -bm25({texts}, {weights}) AS score FROM {texts} "  # noqa: S608
            f"JOIN {self.quote(self.words)} w ON w.id = {texts}.rowid "
            f"WHERE {texts} MATCH %s AND {condition} "
            f"ORDER BY score DESC, w.object_id LIMIT {ranking.depth:d}"
        )
        return statement, [match, *params]

    def vectors_query(
        self, ranking: Ranking, vector: Sequence[float], *, exact: bool
    ) -> tuple[str, list[Any]]:
        """Return the nearest rows."""
        condition, params = self.within(ranking, "v")
        if ranking.question.excluded:
            texts = self.quote(self.texts)
            condition += (
                f" AND v.object_id NOT IN (SELECT w.object_id FROM {texts} "  # noqa: S608
                f"JOIN {self.quote(self.words)} w ON w.id = {texts}.rowid WHERE {texts} MATCH %s)"
            )
            params.append(" OR ".join(map(_quoted, ranking.question.excluded)))
        statement = (
            f"SELECT v.object_id, vec_distance_cosine(v.embedding, %s) AS distance "  # noqa: S608
            f"FROM {self.quote(self.vectors)} v WHERE v.embedder = %s AND {condition} "
            f"ORDER BY distance, v.object_id LIMIT {ranking.depth:d}"
        )
        return statement, [self.vector_value(vector), ranking.embedder, *params]

    def snippet(self, ranking: Ranking) -> tuple[str, list[Any]]:
        """Return FTS5's snippet of the text that matches best; of rows without a match, the beginning."""
        texts, key = self._searched(ranking), self.quote(self.definition.key)
        listed = [f"coalesce(t.{self.quote(column)}, '')" for column, _ in self.definition.words]
        beginning = f"substr({' || char(32) || '.join(listed)}, 1, 200)"
        match = self._match(ranking)
        if match is None:
            return beginning, []
        found = (
            f"(SELECT snippet({texts}, -1, %s, %s, '…', 30) FROM {texts} WHERE {texts} MATCH %s "  # noqa: S608
            f"AND rowid = (SELECT id FROM {self.quote(self.words)} WHERE object_id = t.{key}))"
        )
        return f"coalesce({found}, {beginning})", [OPEN, CLOSE, match]

    def _searched(self, ranking: Ranking) -> str:
        return self.quote(self.names if ranking.prefix else self.texts)

    def _match(self, ranking: Ranking) -> str | None:
        """Return the expression of FTS5 of a question, in which each term is quoted."""
        question = ranking.question
        terms = list(question.terms)
        if self.definition.language == "english" and not ranking.prefix:
            terms = without_stop_words(question.terms)
        if not terms:
            return None
        quoted = [_quoted(term) for term in terms]
        if ranking.prefix:
            quoted[-1] += "*"
        match = f"({(' AND ' if ranking.prefix else ' OR ').join(quoted)})"
        for term in question.excluded:
            match += f" NOT {_quoted(term)}"
        return match

    def _drop_triggers(self, execute: Any) -> None:
        for name in self._names():
            execute(f"DROP TRIGGER {self.quote(name)}")

    def _names(self) -> list[str]:
        beginning = self.trigger.removesuffix(self.definition.digest)
        found = self.fetch("SELECT name FROM sqlite_master WHERE type = 'trigger'", [])
        # Of the same length: what the table book_search has begins with that of the table book.
        return [
            name
            for (name,) in found
            if name.startswith(beginning) and len(name.rpartition("_")[0]) == len(self.trigger)
        ]


def _quoted(term: str) -> str:
    doubled = term.replace('"', '""')
    return f'"{doubled}"'
