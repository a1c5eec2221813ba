"""The index in PostgreSQL: a ``tsvector`` with a GIN index and a ``halfvec`` with an HNSW index, kept by one trigger."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from django_matt.contrib.search.storages.tables import CLOSE, OPEN, Hit, Ranking, Storage

__all__ = ["PostgresStorage"]

_MAX_INDEXED = 250_000
"""How many characters of a row are indexed: a ``tsvector`` of more than 1 MB is an error, and so would be each save."""

_MAX_HEADLINE = 20_000
_HEADLINE = f"StartSel={OPEN}, StopSel={CLOSE}, MaxWords=30, MinWords=10, MaxFragments=1"
_MAX_EF_SEARCH = 1_000


class PostgresStorage(Storage):
    """The tables of one index in PostgreSQL.

    One trigger of the model's table writes them, so every way to write is followed: ``save()``, ``update()``, bulk, ``COPY``,
    ``TRUNCATE``, raw SQL. A generated column would need no trigger, but then no ``AlterField`` could change the columns that
    it is made of.
    """

    vector_mark = "%s::halfvec"
    lock = " FOR SHARE OF t"
    try_lock = " FOR SHARE OF t SKIP LOCKED"

    def create(self, execute: Any) -> None:
        """Create the tables, their indexes and the trigger, and index the rows that there are."""
        quote, definition = self.quote, self.definition
        key = definition.column_type(definition.key, self.connection)
        filters = "".join(
            f", {quote(each)} {definition.column_type(each, self.connection)}"
            for each in definition.filters
        )
        words, vectors = quote(self.words), quote(self.vectors)
        execute(
            f"CREATE TABLE {words} (object_id {key} PRIMARY KEY, document tsvector NOT NULL, "
            f"names tsvector NOT NULL{filters})"
        )
        execute(f"CREATE INDEX ON {words} USING gin (document)")
        execute(f"CREATE INDEX ON {words} USING gin (names)")
        tables = [words]
        if definition.dimensions:
            execute("CREATE EXTENSION IF NOT EXISTS vector")
            execute(
                f"CREATE TABLE {vectors} (object_id {key} NOT NULL, embedder varchar(200) NOT NULL, "
                f"digest varchar(64) NOT NULL, embedding halfvec({definition.dimensions}) NOT NULL"
                f"{filters}, PRIMARY KEY (embedder, object_id))"
            )
            execute(f"CREATE INDEX ON {vectors} (object_id)")
            execute(f"CREATE INDEX ON {vectors} USING hnsw (embedding halfvec_cosine_ops)")
            tables.append(vectors)
        for table in tables:
            for column in definition.filters:
                execute(f"CREATE INDEX ON {table} ({quote(column)})")
        self.create_triggers(execute)
        self.index_words(execute)

    def drop(self, execute: Any) -> None:
        """Drop the trigger with its function, and the tables."""
        self._drop_triggers(execute)
        execute(f"DROP TABLE IF EXISTS {self.quote(self.words)}")
        execute(f"DROP TABLE IF EXISTS {self.quote(self.vectors)}")

    def create_triggers(self, execute: Any) -> None:
        """Create the function and its triggers, instead of those of any definition."""
        self._drop_triggers(execute)
        quote, table = self.quote, self.quote(self.definition.table)
        name, function = quote(self.trigger), f"{quote(self.trigger)}()"
        execute(self._function(function))
        execute(
            f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {function}"
        )
        execute(
            f"CREATE TRIGGER {quote(self.trigger + '_all')} AFTER TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}"
        )

    def index_words(self, execute: Any) -> None:
        """Index the words of all rows. Others can read and search, and wait with what they write."""
        words, table = self.quote(self.words), self.quote(self.definition.table)
        columns, values = self._row("t")
        execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        execute(f"DELETE FROM {words}")  # noqa: S608
        execute(f"INSERT INTO {words} ({columns}) SELECT {values} FROM {table} t")  # noqa: S608

    def is_current(self) -> bool:
        """Tell whether the trigger of this definition exists on the table that the connection sees."""
        statement = "SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = to_regclass(%s))"
        found = self.fetch(statement, [self.trigger, self.quote(self.definition.table)])
        return bool(found[0][0])

    def vector_value(self, numbers: Sequence[float]) -> Any:
        """Return a vector as pgvector's text."""
        return "[" + ",".join(f"{number:.7g}" for number in numbers) + "]"

    def rank(self, ranking: Ranking) -> list[Hit]:
        """Rank; with a vector, in a transaction in which the index goes on until enough rows pass the filters."""
        if ranking.vector is None:
            return super().rank(ranking)
        effort = min(max(100, 2 * ranking.depth), _MAX_EF_SEARCH)
        with transaction.atomic(using=self.connection.alias, savepoint=False):
            with self.connection.cursor() as cursor:
                # As SET LOCAL does: until the transaction ends.
                cursor.execute(
                    "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), "
                    "set_config('hnsw.ef_search', %s, true)",
                    [str(effort)],
                )
            found = super().rank(ranking)
            if len(found) < ranking.limit:
                # HNSW gives up after hnsw.max_scan_tuples. Without it, no row that matches is left out.
                found = self.run(ranking, exact=True)
        return found

    def words_query(self, ranking: Ranking) -> tuple[str, list[Any]] | None:
        """Return the matching rows, by the sum of how well each word matches."""
        if not ranking.question.terms:
            return None
        query, params = self._tsquery(ranking)
        condition, more = self.within(ranking, "w")
        document = "w.names" if ranking.prefix else "w.document"
        statement = (
            f"SELECT w.object_id, ts_rank({document}, {query}, 1)::float8 AS score "  # noqa: S608
            f"FROM {self.quote(self.words)} w WHERE {document} @@ {query} AND {condition} "
            f"ORDER BY score DESC, w.object_id LIMIT {ranking.depth:d}"
        )
        return statement, [*params, *params, *more]

    def vectors_query(
        self, ranking: Ranking, vector: Sequence[float], *, exact: bool
    ) -> tuple[str, list[Any]]:
        """Return the nearest rows by the HNSW index, or, if ``exact``, by the distances of all rows."""
        condition, params = self.within(ranking, "v")
        if excluded := ranking.question.excluded:
            query = " || ".join(
                [f"websearch_to_tsquery('{self.definition.language}', %s)"] * len(excluded)
            )
            condition += (
                f" AND v.object_id NOT IN (SELECT w.object_id FROM {self.quote(self.words)} w "  # noqa: S608
                f"WHERE w.document @@ ({query}))"
            )
            params += [f'"{term}"' for term in excluded]
        distance = "v.embedding <=> %s::halfvec"
        statement = (
            f"SELECT v.object_id, {distance} AS distance FROM {self.quote(self.vectors)} v "  # noqa: S608
            f"WHERE v.embedder = %s AND {condition} "
            # An expression that the index is not about.
            f"ORDER BY {f'({distance}) + 0' if exact else distance} LIMIT {ranking.depth:d}"
        )
        value = self.vector_value(vector)
        return statement, [value, ranking.embedder, *params, value]

    def snippet(self, ranking: Ranking) -> tuple[str, list[Any]]:
        """Return PostgreSQL's headline of the texts; without words, their beginning."""
        texts = ", ".join(f"t.{self.quote(column)}" for column, _ in self.definition.words)
        text = f"left(concat_ws(' … ', {texts}), {_MAX_HEADLINE})"
        if not ranking.question.terms:
            return f"left({text}, 200)", []
        query, params = self._tsquery(ranking)
        return f"ts_headline('{self._language(ranking)}', {text}, {query}, %s)", [
            *params,
            _HEADLINE,
        ]

    def _tsquery(self, ranking: Ranking) -> tuple[str, list[Any]]:
        """Return the query of a question. Texts of users are read by ``websearch_to_tsquery`` alone, which accepts any."""
        one = f"websearch_to_tsquery('{self._language(ranking)}', %s)"
        question = ranking.question
        terms, params = [one] * len(question.terms), [f'"{term}"' for term in question.terms]
        if ranking.prefix:
            # What the function returns is quoted by it; its last lexeme is matched by its beginning.
            terms[-1] = f"(nullif({one}::text, '') || ':*')::tsquery"
        query = f"({(' && ' if ranking.prefix else ' || ').join(terms)})"
        for term in question.excluded:
            query = f"({query} && !!{one})"
            params.append(f'"{term}"')
        return query, params

    def _language(self, ranking: Ranking) -> str:
        """Return the configuration of words: of unfinished ones, without stems."""
        return "simple" if ranking.prefix else self.definition.language

    def _row(self, row: str) -> tuple[str, str]:
        """Return the columns of the table of words, and their values of a row."""
        quote, definition = self.quote, self.definition
        most = _MAX_INDEXED // len(definition.words)
        document = " || ".join(
            f"setweight(to_tsvector('{definition.language}', "
            f"left(coalesce({row}.{quote(column)}, ''), {most})), '{weight}')"
            for column, weight in definition.words
        )
        named = ", ".join(f"{row}.{quote(column)}" for column in definition.names)
        names = f"to_tsvector('simple', left(concat_ws(' ', {named}), {most}))"
        columns = ["object_id", "document", "names", *map(quote, definition.filters)]
        values = [f"{row}.{quote(definition.key)}", document, names]
        values += [f"{row}.{quote(column)}" for column in definition.filters]
        return ", ".join(columns), ", ".join(values)

    def _function(self, function: str) -> str:
        quote, definition = self.quote, self.definition
        words, vectors = quote(self.words), quote(self.vectors)
        tables = [words, *([vectors] if definition.dimensions else [])]
        key = quote(definition.key)
        used = [definition.key, *(column for column, _ in definition.words), *definition.filters]
        old, new = (", ".join(f"{row}.{quote(each)}" for each in used) for row in ("OLD", "NEW"))
        columns, values = self._row("NEW")
        updated = ", ".join(f"{each} = excluded.{each}" for each in columns.split(", ")[1:])
        filters = ""
        if definition.dimensions and definition.filters:
            copied = ", ".join(f"{quote(each)} = NEW.{quote(each)}" for each in definition.filters)
            filters = f"UPDATE {vectors} SET {copied} WHERE object_id = NEW.{key};"  # noqa: S608
        deleted = " ".join(f"DELETE FROM {each} WHERE object_id = OLD.{key};" for each in tables)  # noqa: S608
        # The path of now: a superuser or another schema's user may write as well.
        return f"""
CREATE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $search$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE {", ".join(tables)};
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        {deleted}
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF ROW({old}) IS NOT DISTINCT FROM ROW({new}) THEN
            RETURN NULL;
        END IF;
        IF OLD.{key} <> NEW.{key} THEN
            {deleted}
        END IF;
    END IF;
    INSERT INTO {words} ({columns}) VALUES ({values})
        ON CONFLICT (object_id) DO UPDATE SET {updated};
    {filters}
    RETURN NULL;
END $search$"""  # noqa: S608

    def _drop_triggers(self, execute: Any) -> None:
        for function in self._functions():
            execute(f"DROP FUNCTION {function} CASCADE")

    def _functions(self) -> list[str]:
        beginning = self.trigger.removesuffix(self.definition.digest)
        found = self.fetch(
            "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname = current_schema() AND starts_with(p.proname, %s) AND length(p.proname) = %s AND p.prorettype = 'trigger'::regtype",
            # Of the same length: what the table book_search has begins with that of the table book.
            [beginning, len(self.trigger)],
        )
        return [function for (function,) in found]
