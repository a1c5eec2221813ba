# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled row writer: the same as ``row_writers.py``, and it also knows raw encodings (``raw_encodings.py``).

Each step checks that a value has the encoding that it expects before it copies it. A value that has not goes to the step's
``slow`` function, which makes a Python value of it. Without such a function it raises ``ValueMismatch``, and the response
is encoded from model instances. So nothing is written that Django and Ninja would not write.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.math cimport floor, signbit
from libc.string cimport memchr, memcmp, memcpy, strncmp

from django_matt.serialization.encoder import ValueMismatch

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1

# The digest of this file; a test names the right one, and compares it with the compiled module's.
FINGERPRINT = "dec8bfca0f3b3318"
COMPILED = True

# What a step does (WriteStep.code): the structure, raw encodings of both databases, and those of PostgreSQL alone.
cdef enum:
    OBJECT, END, FRAGMENT, JOINED, NESTED
    TEXT, INT, BOOL, DECIMAL, UUID, DATE, TIME, DATETIME, MEMBER
    DIGITS, REAL, NUMERIC, FLAG

cdef dict _CODES = {
    "object": OBJECT, "end": END, "fragment": FRAGMENT, "joined": JOINED, "nested": NESTED,
    "text": TEXT, "int": INT, "bool": BOOL, "decimal": DECIMAL, "uuid": UUID, "date": DATE, "time": TIME,
    "datetime": DATETIME, "member": MEMBER,
    "digits": DIGITS, "real": REAL, "numeric": NUMERIC, "flag": FLAG,
}

# Eight bytes of a text that are checked together: a constant with the same byte in each place.
ctypedef unsigned long long Word

cdef Word _ONES = 0x0101010101010101ULL
cdef Word _HIGHS = 0x8080808080808080ULL
cdef double _TENS[16]
cdef int _power
for _power in range(16):
    _TENS[_power] = 10.0 ** _power
cdef const char *_HEX = "0123456789abcdef"
# The letter of an escape by its control character, as orjson writes it; 0 where it has none.
cdef char _LETTERS[32]
_LETTERS[:] = [0] * 32
_LETTERS[8] = c"b"
_LETTERS[9] = c"t"
_LETTERS[10] = c"n"
_LETTERS[12] = c"f"
_LETTERS[13] = c"r"
# The days of each month; February of leap years is checked apart.
cdef char _DAYS[13]
_DAYS[:] = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


# A WriteStep as C types, so that the loop below reads no Python attribute.
cdef struct Step:
    int code
    bint nullable, omit
    int end                 # joined: the step after the object
    Py_ssize_t column
    const char *prefix      # `,"key":`, or nothing for a value without a key; owned by the WriteStep
    Py_ssize_t length       # of the prefix
    # The limits of an encoding. text: its shortest and longest length. decimal: its places, and the number of digits
    # that are exact, as a power of ten. numeric: its places, and the longest whole part (0: none fits, -1: all fit).
    # datetime: ``least`` is the zone (write_datetime).
    Py_ssize_t least, most


@cython.final
cdef class Output:
    """A buffer that grows. Each call makes its own, because a slow function may let another thread run."""

    cdef char *data
    cdef Py_ssize_t used, size

    def __cinit__(self, Py_ssize_t size):
        self.data = <char *>PyMem_Malloc(size)
        self.size = size
        if self.data is NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef inline int room(self, Py_ssize_t more) except -1:
        """Make room for so many more bytes."""
        cdef Py_ssize_t size
        cdef char *data
        if self.used + more > self.size:
            size = max(self.size * 2, self.used + more)
            data = <char *>PyMem_Realloc(self.data, size)
            if data is NULL:
                raise MemoryError
            self.data = data
            self.size = size
        return 0

    cdef inline int add(self, const char *data, Py_ssize_t length) except -1:
        self.room(length)
        memcpy(self.data + self.used, data, length)
        self.used += length
        return 0

    cdef inline int quote(self, const char *data, Py_ssize_t length) except -1:
        """Write a text that needs no escape, in quotes."""
        self.room(length + 2)
        self.data[self.used] = c'"'
        memcpy(self.data + self.used + 1, data, length)
        self.used += length + 2
        self.data[self.used - 1] = c'"'
        return 0

    cdef inline int begin(self, Step *step) except -1:
        """Write a comma and a key. After the brace of an object the comma is left out."""
        cdef Py_ssize_t first = 0
        if step.length:
            if self.data[self.used - 1] == c"{":
                first = 1
            self.add(step.prefix + first, step.length - first)
        return 0

    cdef int integer(self, long long number) except -1:
        """Write a number, its digits from the last to the first."""
        cdef char digits[24]
        cdef int at = 24
        cdef Word rest = <Word>number if number >= 0 else <Word>0 - <Word>number
        while True:
            at -= 1
            digits[at] = <char>(c"0" + rest % 10)
            rest //= 10
            if not rest:
                break
        if number < 0:
            at -= 1
            digits[at] = c"-"
        return self.add(digits + at, 24 - at)

    cdef int escape(self, const char *data, Py_ssize_t length) except -1:
        """Write a text in quotes, with the escapes that JSON needs."""
        cdef Py_ssize_t index
        cdef unsigned char each
        cdef char *out
        # At worst every byte becomes six, as in \u0001.
        self.room(length * 6 + 2)
        out = self.data + self.used
        out[0] = c'"'
        out += 1
        for index in range(length):
            each = data[index]
            if each == c'"' or each == c"\\":
                out[0] = c"\\"
                out[1] = each
                out += 2
            elif each < 32 and _LETTERS[each]:
                out[0] = c"\\"
                out[1] = _LETTERS[each]
                out += 2
            elif each < 32:
                memcpy(out, b"\\u00", 4)
                out[4] = _HEX[each >> 4]
                out[5] = _HEX[each & 15]
                out += 6
            else:
                out[0] = each
                out += 1
        out[0] = c'"'
        self.used = out + 1 - self.data
        return 0

    cdef bytes taken(self, Py_ssize_t start):
        return PyBytes_FromStringAndSize(self.data + start, self.used - start)


cdef bint needs_no_escape(const char *data, Py_ssize_t length) noexcept:
    """Tell whether a text can be written as it is: no control character, quote or backslash.

    It looks at eight bytes at a time. ``(word - 0x0101…) & ~word`` sets the highest bit of a byte that is zero, after an
    exclusive or with 34 or 92 of one that is a quote or a backslash; with 32 in the place of 1, of one below 32. A borrow
    may set the bit of the byte beside it too, but only next to a byte that was found.
    """
    cdef Word word, quotes, slashes, found = 0
    cdef unsigned char each
    while length >= 8:
        memcpy(&word, data, 8)
        quotes = word ^ (_ONES * 34)
        slashes = word ^ (_ONES * 92)
        found |= ((word - _ONES * 32) & ~word) | ((quotes - _ONES) & ~quotes) | ((slashes - _ONES) & ~slashes)
        data += 8
        length -= 8
    if found & _HIGHS:
        return False
    while length:
        each = data[0]
        if each < 32 or each == 34 or each == 92:
            return False
        data += 1
        length -= 1
    return True


cdef int two(const char *data) noexcept:
    """Return the number of two digits, or one so negative that a sum with others stays negative."""
    cdef unsigned char tens = data[0] - c"0", ones = data[1] - c"0"
    return -10000 if tens > 9 or ones > 9 else tens * 10 + ones


cdef bint is_date(const char *data) noexcept:
    """Tell whether ten characters are a date that exists: PostgreSQL has years past 9999, SQLite stores any text."""
    cdef int year = two(data) * 100 + two(data + 2), month = two(data + 5), day = two(data + 8)
    if year < 1 or month < 1 or month > 12 or data[4] != c"-" or data[7] != c"-":
        return False
    if month == 2 and day == 29:
        return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 0 < day <= _DAYS[month]


cdef int clock(const char *data, Py_ssize_t length) noexcept:
    """Return how many characters of a time Ninja writes: 8, or 12 if it has a fraction; 0 if it is not a time."""
    cdef int hour, minute, second
    cdef Py_ssize_t index
    cdef bint whole = True
    if length < 8 or length == 9 or length > 15 or data[2] != c":" or data[5] != c":":
        return 0
    hour = two(data)
    minute = two(data + 3)
    second = two(data + 6)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return 0
    if length > 8:
        if data[8] != c".":
            return 0
        for index in range(9, length):
            if data[index] < c"0" or data[index] > c"9":
                return 0
            whole &= data[index] == c"0"
    return 8 if whole else 12


cdef int is_number(const char *data, Py_ssize_t length) noexcept:
    """Tell how PostgreSQL wrote a number: 1 for digits only, 2 with a point or an exponent, 0 for NaN and Infinity."""
    cdef Py_ssize_t index
    cdef int found = 1
    if length == 0 or (data[0] == c"-" and length == 1):
        return 0
    for index in range(1 if data[0] == c"-" else 0, length):
        if data[index] < c"0" or data[index] > c"9":
            if index == 0 or data[index] not in (c".", c"e", c"+", c"-"):
                return 0
            found = 2
    return found


cdef bint is_fitting(Step *step, const char *data, Py_ssize_t length) noexcept:
    """Tell whether Python would write a decimal of PostgreSQL the same, and the schema allows its digits."""
    cdef int kind = is_number(data, length)
    cdef Py_ssize_t sign = length and data[0] == c"-", point = length - step.least - 1
    # Python writes so small a decimal with an exponent.
    if kind == 0 or step.most == 0 or strncmp(data + sign, b"0.000000", 8) == 0:
        return False
    if step.most < 0:
        return True
    if step.least == 0:
        return kind == 1 and length - sign <= step.most
    return point > sign and data[point] == c"." and point - sign <= step.most


@cython.final
cdef class RowWriter:
    """Writes rows, step by step."""

    cdef Step *steps
    # The number of steps; the size of the last output, with which the next begins; the columns that a row must have.
    cdef Py_ssize_t count, guess, width
    # The Python objects behind the steps. They own the prefixes, and have the slow functions.
    cdef list write_steps

    def __cinit__(self, write_steps):
        cdef Step *step
        self.write_steps = list(write_steps)
        self.count = len(self.write_steps)
        self.guess = 256
        self.steps = <Step *>PyMem_Calloc(self.count, sizeof(Step))
        if self.steps is NULL:
            raise MemoryError
        for index, write_step in enumerate(self.write_steps):
            step = &self.steps[index]
            step.code = _CODES[write_step.code]
            step.nullable = write_step.nullable
            step.omit = write_step.omit
            step.end = write_step.end
            step.column = write_step.column
            step.prefix = PyBytes_AS_STRING(write_step.prefix)
            step.length = PyBytes_GET_SIZE(write_step.prefix)
            step.least = write_step.least
            step.most = write_step.most
            self.width = max(self.width, step.column + 1)

    def __dealloc__(self):
        PyMem_Free(self.steps)

    def write(self, list rows not None, list extras not None, bytes between not None):
        """Return the rows as JSON, joined by ``between``."""
        cdef Output out = Output(self.guess)
        cdef Py_ssize_t index
        for index in range(len(rows)):
            if index:
                out.add(PyBytes_AS_STRING(between), PyBytes_GET_SIZE(between))
            self.row(out, self.checked(rows[index]), index, extras)
        self.guess = max(256, min(out.used + out.used // 8, 1 << 20))
        return out.taken(0)

    def group(self, list rows not None, list extras not None):
        """Return the rows as lists of JSON by the value in their first column, each list in the order of the rows."""
        cdef Output out = Output(self.guess)
        cdef dict found = {}
        cdef tuple row
        cdef Py_ssize_t index
        for index in range(len(rows)):
            out.used = 0
            row = self.checked(rows[index])
            self.row(out, row, index, extras)
            owner = row[0]
            held = found.get(owner)
            if held is None:
                found[owner] = [out.taken(0)]
            else:
                (<list>held).append(out.taken(0))
        return found

    cdef inline tuple checked(self, row):
        """Check that a row is a tuple with all columns, because ``row[index]`` is not checked in C.

        A project may give its connection a row factory, whose rows are something else.
        """
        if not isinstance(row, tuple) or len(<tuple>row) < self.width:
            raise ValueMismatch("a row that is no tuple of the columns")
        return <tuple>row

    cdef int row(self, Output out, tuple row, Py_ssize_t index, list extras) except -1:
        """Run all steps for one row; ``index`` is its place in the fragments."""
        cdef Py_ssize_t at = 0
        cdef Step *step
        while at < self.count:
            step = &self.steps[at]
            at += 1
            if step.code == END:
                out.add(b"}", 1)
                continue
            if step.code == OBJECT:
                out.add(b"{", 1)
                continue
            if step.code == FRAGMENT:
                value = (<list>extras[at - 1])[index]
            else:
                value = row[step.column]
            if value is None:
                if not step.nullable:
                    raise ValueMismatch(self.write_steps[at - 1].name)
                if not step.omit:
                    out.begin(step)
                    out.add(b"null", 4)
                if step.code == JOINED:
                    # The joined object does not exist: go on after its last step.
                    at = step.end
                continue
            out.begin(step)
            if step.code == JOINED:
                out.add(b"{", 1)
            elif step.code == FRAGMENT:
                out.add(PyBytes_AS_STRING(<bytes>value), PyBytes_GET_SIZE(<bytes>value))
            elif step.code == NESTED:
                self.nested_list(out, (<dict>extras[at - 1]).get(value))
            elif not self.value(out, step, value):
                self.slow(out, self.write_steps[at - 1], value)
        return 0

    cdef int nested_list(self, Output out, items) except -1:
        """Write the items that were read for an object, an empty array if there are none."""
        cdef bint first = True
        out.add(b"[", 1)
        if items is not None:
            for item in <list>items:
                if not first:
                    out.add(b",", 1)
                first = False
                out.add(PyBytes_AS_STRING(<bytes>item), PyBytes_GET_SIZE(<bytes>item))
        return out.add(b"]", 1)

    cdef int slow(self, Output out, write_step, value) except -1:
        """Write a value through Python, because it does not have the encoding of its step."""
        if write_step.slow is None:
            raise ValueMismatch(write_step.name)
        try:
            written = write_step.slow(value)
        except ValueMismatch:
            raise ValueMismatch(write_step.name) from None
        return out.add(PyBytes_AS_STRING(<bytes?>written), PyBytes_GET_SIZE(written))

    cdef int value(self, Output out, Step *step, value) except -1:
        """Write a value and return 1, or return 0 if it does not have the encoding of its step."""
        cdef int code = step.code
        cdef long long number
        cdef int overflow = 0
        if code == INT or code == BOOL:
            if type(value) is not int:
                return 0
            number = PyLong_AsLongLongAndOverflow(value, &overflow)
            if overflow:
                return 0
            if code == INT:
                out.integer(number)
            elif number == 1:
                out.add(b"true", 4)
            elif number == 0:
                out.add(b"false", 5)
            else:
                return 0
            return 1
        if code == DECIMAL:
            return self.decimal(out, step, value)
        if code == MEMBER:
            return self.member(out, step, value)
        if type(value) is not str:
            return 0
        return self.text(out, step, value)

    cdef int member(self, Output out, Step *step, value) except -1:
        """Write a choice that was written before. A new one goes to ``slow``, which remembers it."""
        cdef dict known = self.write_steps[step - self.steps].known
        if type(value) is not str and type(value) is not int:
            return 0
        written = known.get(value)
        if written is None:
            return 0
        out.add(PyBytes_AS_STRING(<bytes>written), PyBytes_GET_SIZE(<bytes>written))
        return 1

    cdef int decimal(self, Output out, Step *step, value) except -1:
        """Write a decimal that SQLite stores as a float, with the places of its column.

        The float is scaled to a whole number of its last place and rounded. That number divided by the same power of ten
        is rounded once, as both are exact floats; if it gives the float again, its digits are those that Python's
        formatting would print. With more digits than ``most`` two decimals may have the same float: 0, the slow way.
        """
        cdef double real
        cdef long long digits
        cdef char text[40]
        cdef int at = 40, place = 0
        if type(value) is float:
            real = value
        elif type(value) is int:
            real = <double>PyLong_AsLongLongAndOverflow(value, &place)
            if place:
                return 0
        else:
            return 0
        if not -9e15 < real * _TENS[step.least] < 9e15:
            return 0
        digits = <long long>floor((real if real >= 0 else -real) * _TENS[step.least] + 0.5)
        if digits >= step.most or <double>digits / _TENS[step.least] != (real if real >= 0 else -real):
            return 0
        # Fill the text from its end: the closing quote, the digits with the point, the sign, the opening quote.
        at -= 1
        text[at] = c'"'
        while place <= step.least or digits:
            if place == step.least and place:
                at -= 1
                text[at] = c"."
            at -= 1
            text[at] = <char>(c"0" + digits % 10)
            digits //= 10
            place += 1
        if signbit(real):
            at -= 1
            text[at] = c"-"
        at -= 1
        text[at] = c'"'
        out.add(text + at, 40 - at)
        return 1

    cdef int text(self, Output out, Step *step, value) except -1:
        """Write a value that the driver returns as text."""
        cdef int code = step.code, kind
        cdef Py_ssize_t length, index
        cdef const char *data
        try:
            data = PyUnicode_AsUTF8AndSize(value, &length)
        except UnicodeEncodeError:
            raise ValueMismatch("a lone surrogate") from None
        if code == TEXT:
            if step.most >= 0 and not step.least <= len(<str>value) <= step.most:
                return 0
            if needs_no_escape(data, length):
                out.quote(data, length)
            else:
                out.escape(data, length)
        elif code == DIGITS:
            if is_number(data, length) != 1:
                return 0
            out.add(data, length)
        elif code == REAL:
            kind = is_number(data, length)
            # PostgreSQL writes exponents in another way than orjson, and for other numbers.
            if kind == 0 or memchr(data, c"e", length) is not NULL:
                return 0
            out.add(data, length)
            if kind == 1:
                out.add(b".0", 2)
        elif code == NUMERIC:
            if not is_fitting(step, data, length):
                return 0
            out.quote(data, length)
        elif code == FLAG:
            if length != 1 or data[0] not in (c"t", c"f"):
                return 0
            if data[0] == c"t":
                out.add(b"true", 4)
            else:
                out.add(b"false", 5)
        elif code == DATE:
            if length != 10 or not is_date(data):
                return 0
            out.quote(data, 10)
        elif code == TIME:
            kind = clock(data, length)
            if kind == 0:
                return 0
            out.room(16)
            out.data[out.used] = c'"'
            stamp(out.data + out.used + 1, data, length, kind)
            out.data[out.used + kind + 1] = c'"'
            out.used += kind + 2
        elif code == DATETIME:
            return write_datetime(out, data, length, step.least)
        else:
            return write_uuid(out, data, length)
        return 1


cdef void stamp(char *out, const char *data, Py_ssize_t length, int kind) noexcept:
    """Copy a time, with a fraction of exactly three digits if it has one."""
    cdef Py_ssize_t index
    memcpy(out, data, 8)
    if kind == 12:
        out[8] = c"."
        for index in range(9, 12):
            out[index] = data[index] if index < length else c"0"


cdef int write_datetime(Output out, const char *data, Py_ssize_t length, Py_ssize_t zone) except -1:
    """Write a date and a time.

    ``zone`` is 0 for a naive datetime, 1 for UTC that the text does not mention (SQLite), 2 for UTC as PostgreSQL
    writes it, with ``+00`` at the end.
    """
    cdef int kind
    cdef char *to
    if zone == 2:
        if length < 22 or memcmp(data + length - 3, b"+00", 3):
            return 0
        length -= 3
    if length < 19 or not is_date(data) or data[10] != c" ":
        return 0
    kind = clock(data + 11, length - 11)
    if kind == 0:
        return 0
    out.room(28)
    to = out.data + out.used
    to[0] = c'"'
    memcpy(to + 1, data, 10)
    to[11] = c"T"
    stamp(to + 12, data + 11, length - 11, kind)
    to += 12 + kind
    if zone:
        to[0] = c"Z"
        to += 1
    to[0] = c'"'
    out.used = to + 1 - out.data
    return 1


cdef int write_uuid(Output out, const char *data, Py_ssize_t length) except -1:
    """Write a UUID: SQLite stores 32 digits, PostgreSQL writes them with dashes."""
    cdef Py_ssize_t index, at = 0
    cdef bint dashed = length == 36
    cdef char *to
    if length != 32 and not dashed:
        return 0
    out.room(38)
    to = out.data + out.used
    to[0] = c'"'
    for index in range(1, 37):
        if index == 9 or index == 14 or index == 19 or index == 24:
            if dashed and data[at] != c"-":
                return 0
            at += dashed
            to[index] = c"-"
        elif c"0" <= data[at] <= c"9" or c"a" <= data[at] <= c"f":
            to[index] = data[at]
            at += 1
        else:
            return 0
    to[37] = c'"'
    out.used += 38
    return 1
