# The C types of encoder.py where it is compiled.

cdef int _STR, _INT, _FLOAT, _BOOL, _DATETIME, _DECIMAL, _UUID, _DATE, _TIME, _TIMEDELTA
cdef int _CHOICE, _LIST, _DICT, _MODEL, _ANY, _LINK, _IP
cdef int _DEEPEST, _ACCESSES

cdef class Node:
    cdef public int kind, places
    cdef public Py_ssize_t shortest, longest
    cdef public bint nullable, finite, getter, skip_none, skip_unset
    cdef public str name
    cdef public tuple bounds
    cdef public dict texts, raw_texts, accesses
    cdef public list fields
    cdef public object item, model

cdef class Field:
    cdef public str name, key, wire, head, tail
    cdef public Node node
    cdef public object default
    cdef public bint plain

cdef str float_text(value)
cdef str datetime_text(value)
cdef str time_text(value)
cdef object convert(value)
cdef object settle(value)
cdef object read(value, str key)

cdef class Writer:
    cdef list parts
    cdef bint trusted
    cdef int write(self, Node node, value, int depth) except -1
    cdef int measure(self, Node node, Py_ssize_t length) except -1
    cdef int bound(self, Node node, value) except -1
    cdef int decimal(self, Node node, value) except -1
    cdef int choice(self, Node node, value) except -1
    cdef int items(self, Node node, values, int depth) except -1
    cdef int mapping(self, Node node, values, int depth) except -1
    cdef int model(self, Node node, value, int depth) except -1
    cdef int data(self, value, int depth, bint lenient) except -1
    cdef int sequence(self, values, int depth, bint lenient) except -1
    cdef int members(self, values, int depth, bint lenient) except -1
