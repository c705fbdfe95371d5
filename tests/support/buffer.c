/* A byte queue in one allocation. Invariant: begin <= end <= capacity, data is capacity bytes. */
#include "buffer.h"

#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ts_buffer_bytes(const ts_buffer *buffer)
{
    return buffer->data ? buffer->data + buffer->begin : NULL;
}

size_t ts_buffer_length(const ts_buffer *buffer)
{
    return buffer->end - buffer->begin;
}

char *ts_buffer_room(ts_buffer *buffer, size_t length)
{
    size_t held = ts_buffer_length(buffer);
    if (buffer->capacity - buffer->end < length) {
        if (buffer->begin > 0 && held > 0)
            memmove(buffer->data, buffer->data + buffer->begin, held);
        buffer->begin = 0;
        buffer->end = held;
    }
    if (buffer->capacity - buffer->end < length) {
        size_t capacity = buffer->capacity * 2;
        if (capacity < held + length)
            capacity = held + length;
        buffer->data = ts_resize(buffer->data, capacity);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->end;
}

void ts_buffer_grew(ts_buffer *buffer, size_t length)
{
    if (length > buffer->capacity - buffer->end)
        ts_die("a buffer was told it grew by %zu bytes, more than its room", length);
    buffer->end += length;
}

void ts_buffer_add(ts_buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    memcpy(ts_buffer_room(buffer, length), bytes, length);
    ts_buffer_grew(buffer, length);
}

void ts_buffer_print(ts_buffer *buffer, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        ts_die("cannot format \"%s\"", format);
    ts_buffer_add(buffer, text, (size_t)length);
    free(text);
}

void ts_buffer_take(ts_buffer *buffer, size_t length)
{
    if (length > ts_buffer_length(buffer))
        ts_die("%zu bytes were taken of %zu", length, ts_buffer_length(buffer));
    buffer->begin += length;
    if (buffer->begin == buffer->end)
        buffer->begin = buffer->end = 0;
}

void ts_buffer_free(ts_buffer *buffer)
{
    free(buffer->data);
    *buffer = (ts_buffer){0};
}
