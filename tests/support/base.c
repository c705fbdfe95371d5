/* Memory and the loud end: see base.h. Tests have no use for a recoverable out-of-memory. */
#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *ts_alloc(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        ts_die("no memory for %zu bytes", size);
    return memory;
}

void *ts_resize(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);
    if (!memory)
        ts_die("no memory for %zu bytes", size);
    return memory;
}

char *ts_copy(const char *bytes, size_t length)
{
    char *copy = ts_alloc(length + 1);
    if (length)
        memcpy(copy, bytes, length);
    return copy;
}

static void print_line(const char *format, va_list arguments)
{
    char line[2048];
    vsnprintf(line, sizeof line, format, arguments);
    fprintf(stderr, "test support: %s\n", line);
}

void ts_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

void ts_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
    abort();
}
