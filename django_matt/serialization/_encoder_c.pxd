# The C types of encoder.py where it is compiled.

cimport cython
from cpython.datetime cimport datetime as c_datetime

cdef int _STR, _INT, _FLOAT, _BOOL, _DATETIME, _DECIMAL, _UUID, _DATE, _TIME, _TIMEDELTA
cdef int _CHOICE, _LIST, _DICT, _MODEL, _ANY, _LINK, _IP
cdef int _DEEPEST, _ACCESSES
cdef object _utc, _default, _OPTIONS, _write
cdef list _two, _three

cdef class Node:
    cdef public int kind, places
    cdef public Py_ssize_t shortest, longest
    cdef public bint nullable, finite, getter, skip_none, skip_unset
    cdef public str name
    cdef public tuple bounds
    cdef public dict members, raw_members, accesses, blank
    cdef public list fields
    cdef public object item, model

cdef class Field:
    cdef public str name, key, wire, other
    cdef public Node node
    cdef public object default
    cdef public bint simple_key

cdef class Shaper:
    cdef bint trusted
    cdef list reads
    @cython.locals(kind=cython.int)
    cdef object shape(self, Node node, value, int depth)
    cdef object choice(self, Node node, value)
    @cython.locals(item=Node)
    cdef list items(self, Node node, values, int depth)
    @cython.locals(item=Node, shaped=dict)
    cdef dict mapping(self, Node node, values, int depth)
    @cython.locals(access=tuple, direct=list, runs_code=list, attributes=dict, shaped=dict, index=cython.Py_ssize_t, field=Field,
                   below=Node, no_getitem=cython.bint, has_dict=cython.bint, has_run=cython.bint)
    cdef dict model(self, Node node, value, int depth)

@cython.locals(shaper=Shaper)
cpdef object encode(node, value, bint trusted=*)

cdef int check_length(Node node, Py_ssize_t length) except -1
cdef int check_bounds(Node node, value) except -1
@cython.locals(text=str, point=cython.Py_ssize_t, places=cython.Py_ssize_t, digits=cython.Py_ssize_t, most=cython.Py_ssize_t)
cdef str decimal_value(Node node, value)
@cython.locals(
    year=cython.int, month=cython.int, day=cython.int, hour=cython.int, minute=cython.int, second=cython.int,
    micro=cython.int, start=str, end=str,
)
cdef object datetime_value(c_datetime value)
cdef str zoned_text(value)
cdef str time_value(value)
cdef object to_jsonable(value, int depth, bint lenient)
@cython.locals(shaped=dict)
cdef dict members(values, int depth, bint lenient)
cdef object key_text(key)
cdef object convert(value)
cdef object settle(value)
cdef object read(value, str key)
