"""The row engine: how a queryset becomes JSON bytes without model instances.

Django makes a model instance of every row, Ninja reads each attribute of it, pydantic validates it and ``json`` writes it.
For a list of plain columns nearly all of that work changes nothing. The engine leaves it out: it reads the rows as the
database driver gives them and writes JSON from them. The bytes are the same as on the slow path. Whenever it cannot be
sure of that it gives up, and ``django_matt.tiers`` encodes model instances instead.

It gives up with one of two exceptions. ``TierUnavailable`` comes before the query: the schema, the model or the queryset
is of a kind that the engine does not know. ``ValueMismatch`` comes after it: a value would not pass validation as it is.

The steps, in the order in which they happen:

1. ``engine.RowsTier`` is the entrance, one object for each response schema. It looks up or makes the plan below, and
   pauses the engine for a schema whose values keep failing.
2. ``row_plans.RowPlan`` matches the schema with a model, once for each kind of queryset. It produces two lists: the
   columns to select, and the steps that write them (``{``, ``"id":`` and a number, ``}``).
3. ``columns`` and ``raw_encodings`` decide for each column which step that is. A column that can be written as the driver
   gives it has a *raw encoding*; any other goes through Django's converters and the ordinary encoder.
4. ``select.Select`` (the base class of ``RowPlan``) turns the queryset into ``values_list()`` of those columns.
5. ``sql_cache`` checks that rows can replace the queryset's instances. ``query_shapes`` finds the compiled SQL of an
   earlier query that differs in its values only, so that Django's compiler does not run again.
6. ``drivers`` runs the SQL on a cursor that returns raw rows: SQLite's stored values, PostgreSQL's text.
7. ``nested_lists.NestedList`` reads each list inside the objects (the tags of a book) by one more query for all of them.
8. ``row_writers.RowWriter`` runs the steps for every row and returns the bytes. ``_rows_c.pyx`` is the same in C, and the
   only one that knows raw encodings.

Two cases take another way through these modules. A *page* is read while Ninja's paginator evaluates its slice
(``RowsTier.defer_rendering``). A *long list* is read from a server-side cursor and sent in pieces (``batches``).
"""
